// SPDX-License-Identifier: Apache-2.0

package rfc6951

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.2, Legacy NAT Traversal.
var section3_2 = []conformance.Case{
	{ID: "6951/3.2/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		for _, p := range tester.InitParams(a.InitOf(a.ExpectInitAck())) {
			t.Check(p.Type != wire.ParamIPv4 && p.Type != wire.ParamIPv6, "an INIT ACK without addresses", "parameter %v", p.Type)
		}
	}},
}
