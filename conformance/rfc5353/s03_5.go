// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.5, Taking Over a Failed Peer Server.
var section3_5 = []conformance.Case{
	{ID: "5353/3.5.1/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		id := serverID(t, p)
		t.Sleep(t.Quiet()) // what it has to say at first
		sent := time.Now()
		p.SendENRP(&enrp.InitTakeover{Header: p.HeaderTo(0), Target: id})
		for {
			_, m, ok := tester.NextENRP[*enrp.Presence](p.Assoc, t.Wait(), nil)
			t.Check(ok, "ENRP_PRESENCE at once", "none; seen: %s", p.SeenMessages())
			if m.At.After(sent) {
				return
			}
		}
	}},
	{ID: "5353/3.5.1/2", Run: func(t *conformance.T) {
		target := t.Peer(0, tester.Setup{})
		p := unknownPeer(t, secondPort)
		p.Present(false)
		presence(t, p)
		p.SendENRP(&enrp.InitTakeover{Header: p.HeaderTo(0), Target: target.ID})
		tester.ExpectENRP(p.Assoc, func(m *enrp.InitTakeoverAck) bool { return m.Target == target.ID })
	}},
	{ID: "5353/3.5.1/3", Run: func(t *conformance.T) {
		one, two := dead(t, 1)
		two.SendENRP(&enrp.InitTakeover{Header: two.HeaderTo(0), Target: one.ID})
		tester.ExpectENRP(two.Assoc, func(m *enrp.InitTakeoverAck) bool { return m.Target == one.ID })
		noTakeover(t, two, one)
	}},
	{ID: "5353/3.5.1/4", Run: func(t *conformance.T) {
		one, two := dead(t, 0xffffffff)
		two.SendENRP(&enrp.InitTakeover{Header: two.HeaderTo(0), Target: one.ID})
		tester.ExpectNoENRP(two.Assoc, func(m *enrp.InitTakeoverAck) bool { return m.Target == one.ID })
	}},
	{ID: "5353/3.5.1/5", Run: func(t *conformance.T) {
		one, two := dead(t, 0xffffffff)
		one.Silent = false
		one.Present(false)
		t.Sleep(time.Second)
		two.SendENRP(&enrp.InitTakeoverAck{Header: two.HeaderTo(0), Target: one.ID})
		noTakeover(t, two, one)
	}},
	{ID: "5353/3.5.2/1", Run: func(t *conformance.T) {
		one, two := dead(t, 0xffffffff)
		two.SendENRP(&enrp.InitTakeoverAck{Header: two.HeaderTo(0), Target: one.ID})
		tester.ExpectENRP(two.Assoc, func(m *enrp.TakeoverServer) bool { return m.Target == one.ID })
	}},
	{ID: "5353/3.5.2/2", Run: func(t *conformance.T) {
		side := t.Endpoint().Listen(tester.Setup{Port: 5002})
		side.Auto.Accept = true
		one, two := dead(t, 0xffffffff)
		id := serverID(t, two)
		two.SendENRP(&enrp.InitTakeoverAck{Header: two.HeaderTo(0), Target: one.ID})
		k := tester.ExpectASAP(side, func(m *asap.EndpointKeepAlive) bool { return m.PoolHandle == t.Pool() })
		t.Check(k.Home && k.ServerID == id, "H=1 and the Server Identifier of S", "H=%t, %#x; S is %#x", k.Home, k.ServerID, id)
	}},
	{ID: "5353/3.5.2/3", Run: func(t *conformance.T) {
		one := t.Peer(0, tester.Setup{})
		two := unknownPeer(t, secondPort)
		two.Present(false)
		pe := owned(t, one, roundRobin)
		update(one, enrp.AddPE, t.Pool(), pe)
		pu := t.Dial(tester.Setup{})
		resolves(t, pu, t.Pool(), pe)
		one.Silent = true
		two.SendENRP(&enrp.InitTakeover{Header: two.HeaderTo(0), Target: one.ID})
		if _, _, ok := tester.NextENRP(two.Assoc, t.Wait(), func(m *enrp.InitTakeoverAck) bool { return m.Target == one.ID }); !ok {
			t.Inconclusive("no ENRP_INIT_TAKEOVER_ACK came; seen: %s", two.SeenMessages())
		}
		pe.HomeID = two.ID
		list(two, enrp.AddPE, t.Pool(), pe)
		two.SendENRP(&enrp.TakeoverServer{Header: two.HeaderTo(0), Target: one.ID})
		for end := time.Now().Add(t.Wait()); ; t.Sleep(100 * time.Millisecond) {
			home := resolves(t, pu, t.Pool(), pe)[0].HomeID
			if home == two.ID {
				return
			}
			t.Check(time.Now().Before(end), "the Server Identifier of who has taken over", "%#x, that is %#x", home, two.ID)
		}
	}},
}

// noTakeover watches that S does not complete the takeover. It might wait for acknowledgements for some time; but when the
// other one does not complete it for long, S may begin anew.
func noTakeover(t *conformance.T, p, target *conformance.PeerSide) {
	m, _, ok := tester.NextENRP(p.Assoc, 10*time.Second, func(m *enrp.TakeoverServer) bool { return m.Target == target.ID })
	t.Check(!ok, "no ENRP_TAKEOVER_SERVER", "%+v", m)
}
