// SPDX-License-Identifier: Apache-2.0

package rfc6951

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 5.6, Path MTU Considerations.
var section5_6 = []conformance.Case{
	{ID: "6951/5.6/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		message := bytes.Repeat([]byte("0123456789"), 500)
		a.SendMessage(0, 0, 0, message)
		a.ExpectEcho(message)
		most := t.Param("PMTU", 1500) - 20 - 8
		if a.Addr(0).Addr().Is6() {
			most -= 20
		}
		for _, p := range t.Packets() {
			t.Check(!p.In || len(p.Data) <= most, "packets that fit the path with the UDP header", "%d bytes of SCTP, at most %d fit: %v", len(p.Data), most, p)
		}
	}},
}
