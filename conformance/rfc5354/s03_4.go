// SPDX-License-Identifier: Apache-2.0

package rfc5354

import (
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.4, SCTP Transport Parameter.
var section3_4 = []conformance.Case{
	{ID: "5354/3.4/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		other := &conformance.PeerSide{ID: p.ID ^ 0x5a5a5a5a}
		other.Attach(t.DialENRP(tester.Setup{Port: enrp.Port + 10}))
		other.Present(false)
		check := func(s param.ServerInformation) {
			t.Check(s.Transport.Protocol != param.SCTP || len(s.Transport.Addrs) > 0, "an IP address in each SCTP Transport", "%+v", s)
		}
		p.Present(true)
		m := tester.ExpectENRP(p.Assoc, func(m *enrp.Presence) bool { return m.Server != nil })
		check(*m.Server)
		for range 10 {
			p.SendENRP(&enrp.ListRequest{Header: p.HeaderTo(m.Sender)})
			l := tester.ExpectENRP[*enrp.ListResponse](p.Assoc, nil)
			for _, s := range l.Servers {
				check(s)
			}
			if len(l.Servers) > 0 {
				return
			}
			t.Sleep(1500 * time.Millisecond) // S may still be looking for others
		}
		t.Inconclusive("S lists no peers")
	}},
}
