// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.4, Maintaining Peer List and Monitoring Peer Status.
var section3_4 = []conformance.Case{
	{ID: "5353/3.4.1/1", Run: func(t *conformance.T) {
		p := unknownPeer(t, 0)
		sum := p.Checksum
		p.SendENRP(&enrp.Presence{Header: p.HeaderTo(0), Checksum: &sum})
		tester.ExpectENRP(p.Assoc, func(m *enrp.Presence) bool { return m.ReplyRequired })
	}},
	{ID: "5353/3.4.2/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		cycle := time.Duration(t.Param("PEER-HEARTBEAT-CYCLE", 30)) * time.Second
		last := time.Now()
		for range 3 {
			_, m, ok := tester.NextENRP(p.Assoc, 2*cycle, func(m *enrp.Presence) bool { return !m.ReplyRequired })
			t.Check(ok && m.At.Sub(last) < cycle+cycle/2, "ENRP_PRESENCE every PEER-HEARTBEAT-CYCLE", "none for %v", time.Since(last))
			last = m.At
		}
	}},
	{ID: "5353/3.4.3/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		t.Sleep(5 * time.Second) // S may ask at first
		p.Present(false)
		p.Silent = true
		start := time.Now()
		d := time.Duration(t.Param("MAX-TIME-LAST-HEARD", 61))*time.Second + 2*t.Wait()
		for {
			_, m, ok := tester.NextENRP(p.Assoc, time.Until(start.Add(d)), func(m *enrp.Presence) bool { return m.ReplyRequired })
			t.Check(ok, "ENRP_PRESENCE with Reply-required after MAX-TIME-LAST-HEARD", "none within %v; seen: %s", d, p.SeenMessages())
			if m.At.After(start) {
				return
			}
		}
	}},
	{ID: "5353/3.4.3/2", Run: func(t *conformance.T) {
		one := t.Peer(0, tester.Setup{})
		two := unknownPeer(t, secondPort)
		two.Present(false)
		// From who owns nothing there is nothing to take over.
		update(one, enrp.AddPE, t.Pool(), owned(t, one, roundRobin))
		t.Sleep(t.Quiet())
		one.Silent = true
		d := deadAfter(t)
		_, _, ok := tester.NextENRP(two.Assoc, d, func(m *enrp.InitTakeover) bool { return m.Target == one.ID })
		t.Check(ok, "ENRP_INIT_TAKEOVER for the silent peer", "none within %v; seen: %s", d, two.SeenMessages())
	}},
}
