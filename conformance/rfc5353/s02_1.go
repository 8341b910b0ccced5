// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 2.1, ENRP_PRESENCE Message.
var section2_1 = []conformance.Case{
	{ID: "5353/2.1/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		p.Present(true)
		tester.ExpectENRP(p.Assoc, func(m *enrp.Presence) bool { return m.Server != nil })
	}},
}
