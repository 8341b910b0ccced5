// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 2.1, ENRP_PRESENCE Message.
var section2_1 = []conformance.Case{
	{ID: "5353/2.1/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		id := serverID(t, p)
		t.Check(id != 0, "a Sending Server's ID", "0")
		check := func(from uint32) { t.Check(from == id, "the same Sending Server's ID always", "%#x and %#x", id, from) }
		for range 3 {
			check(serverID(t, p))
			pe := t.RegisterPE(conformance.PEConfig{})
			check(tester.ExpectENRP[*enrp.HandleUpdate](p.Assoc, nil).Sender)
			pe.Deregister()
			check(tester.ExpectENRP[*enrp.HandleUpdate](p.Assoc, nil).Sender)
		}
	}},
	{ID: "5353/2.1/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		p.Present(true)
		tester.ExpectENRP(p.Assoc, func(m *enrp.Presence) bool { return m.Server != nil })
	}},
}
