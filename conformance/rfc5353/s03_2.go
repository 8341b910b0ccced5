// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"maps"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.2, Initialization.
var section3_2 = []conformance.Case{
	{ID: "5353/3.2.2.1/1", Run: func(t *conformance.T) {
		r := t.NewPE(conformance.PEConfig{}).Register()
		t.Check(!r.Rejected, "R=0", "the registration was refused: %v", r.Errors)
	}},
	{ID: "5353/3.2.2.2/1", Run: func(t *conformance.T) {
		p := mentor(t, nil)
		tester.ExpectENRP[*enrp.ListRequest](p.Assoc, nil)
	}},
	{ID: "5353/3.2.2.2/2", Run: func(t *conformance.T) {
		one := t.Peer(0, tester.Setup{})
		two := unknownPeer(t, secondPort)
		two.Present(false)
		m := peers(t, two)
		i := slices.IndexFunc(m.Servers, func(s param.ServerInformation) bool { return s.ID == one.ID })
		t.Check(i >= 0, "Server Information of the other peer", "%+v, the peer is %#x", m.Servers, one.ID)
	}},
	{ID: "5353/3.2.2.2/3", Run: func(t *conformance.T) {
		two, _ := t.ListenPeer(t.Endpoint(), 0, tester.Setup{Port: secondPort})
		one := mentor(t, func(p *conformance.PeerSide) {
			answer(p, func(m enrp.Message) bool {
				q, ok := m.(*enrp.ListRequest)
				if ok {
					p.SendENRP(&enrp.ListResponse{Header: p.HeaderTo(q.Sender), Servers: []param.ServerInformation{*two.Info()}})
				}
				return ok
			})
		})
		two.Auto.Accept = true
		if _, _, ok := tester.NextENRP[*enrp.Presence](two.Assoc, settled, nil); !ok {
			t.Fail("ENRP_PRESENCE to the peer that the mentor has named", "none; seen: %s", two.Seen())
		}
		two.Present(false)
		for end := time.Now().Add(t.Wait()); ; t.Sleep(100 * time.Millisecond) {
			m := peers(t, one)
			if slices.ContainsFunc(m.Servers, func(s param.ServerInformation) bool { return s.ID == two.ID }) {
				return
			}
			t.Check(time.Now().Before(end), "Server Information of the other peer", "%+v, the peer is %#x", m.Servers, two.ID)
		}
	}},
	{ID: "5353/3.2.2.2/4", Run: func(t *conformance.T) {
		one, two, asked := mentors(t)
		for _, p := range []*conformance.PeerSide{one, two} {
			answer(p, func(m enrp.Message) bool {
				q, ok := m.(*enrp.ListRequest)
				if ok {
					asked[p]++
					p.SendENRP(&enrp.ListResponse{Header: p.HeaderTo(q.Sender), Rejected: true})
				}
				return ok
			})
		}
		if !t.Until(turned(t), func() bool { return asked[one]+asked[two] > 0 }) {
			t.Inconclusive("no ENRP_LIST_REQUEST came")
		}
		t.Check(t.Until(settled, func() bool { return asked[one]+asked[two] > 1 }), "another ENRP_LIST_REQUEST, to the same or the other one", "none within %v", settled)
	}},
	{ID: "5353/3.2.2.2/5", Run: func(t *conformance.T) {
		one, two, asked := mentors(t)
		for _, p := range []*conformance.PeerSide{one, two} {
			answer(p, func(m enrp.Message) bool {
				_, ok := m.(*enrp.ListRequest)
				if ok {
					asked[p]++
				}
				return ok // no answer; presences are answered
			})
		}
		if !t.Until(turned(t), func() bool { return len(asked) > 0 }) {
			t.Inconclusive("no ENRP_LIST_REQUEST came")
		}
		d := time.Duration(t.Param("MAX-TIME-NO-RESPONSE", 5))*time.Second + 2*t.Wait()
		t.Check(t.Until(d, func() bool { return len(asked) > 1 }), "an ENRP_LIST_REQUEST to the other peer", "none within %v", d)
	}},
	{ID: "5353/3.2.3/1", Run: func(t *conformance.T) {
		p := mentor(t, nil)
		m := tester.ExpectENRP[*enrp.HandleTableRequest](p.Assoc, nil)
		t.Check(!m.OwnChildrenOnly, "W=0", "W=1")
	}},
	{ID: "5353/3.2.3/2", Run: func(t *conformance.T) {
		p := mentor(t, func(p *conformance.PeerSide) { inParts(t, p, 3, roundRobin) })
		for i := range 3 {
			_, _, ok := tester.NextENRP[*enrp.HandleTableRequest](p.Assoc, t.Wait(), nil)
			t.Check(ok, "another ENRP_HANDLE_TABLE_REQUEST after each response with M=1", "%d came; seen: %s", i, p.SeenMessages())
		}
	}},
	{ID: "5353/3.2.3/3", Run: func(t *conformance.T) {
		var pools []enrp.PoolEntry
		mentor(t, func(p *conformance.PeerSide) { pools = inParts(t, p, 2, roundRobin) })
		pu := t.Dial(tester.Setup{})
		for _, e := range pools {
			resolves(t, pu, e.PoolHandle, e.PoolElements...)
		}
	}},
	{ID: "5353/3.2.3/4", Run: func(t *conformance.T) {
		var pools []enrp.PoolEntry
		least := param.Policy{Type: param.LeastUsed, Load: param.Fraction(0.25)}
		mentor(t, func(p *conformance.PeerSide) { pools = inParts(t, p, 2, least) })
		pu := t.Dial(tester.Setup{})
		for _, e := range pools {
			resolves(t, pu, e.PoolHandle, e.PoolElements...)
			r := t.Resolve(pu, e.PoolHandle)
			t.Check(r.Policy.Type == least.Type, "policy 0x40000001", "%#08x", uint32(r.Policy.Type))
		}
	}},
	{ID: "5353/3.2.3/5", Run: func(t *conformance.T) {
		want := map[uint32]param.PoolHandle{}
		for _, suffix := range []string{"1", "1", "2"} {
			pe := t.RegisterPE(conformance.PEConfig{Pool: t.Pool(suffix)})
			want[pe.Element.ID] = pe.Pool
		}
		p := t.Peer(0, tester.Setup{})
		for range 1000 {
			m := table(t, p, false)
			for _, e := range m.Pools {
				for _, pe := range e.PoolElements {
					if want[pe.ID] == e.PoolHandle {
						delete(want, pe.ID)
					}
				}
			}
			if !m.More {
				t.Check(len(want) == 0, "all pool elements, until M=0", "without %#x", slices.Sorted(maps.Keys(want)))
				return
			}
		}
		t.Fail("M=0 in the last response", "M=1 in 1000 responses")
	}},
}

// peers asks for the list of peers until it gets it.
func peers(t *conformance.T, p *conformance.PeerSide) *enrp.ListResponse {
	for range 10 {
		p.SendENRP(&enrp.ListRequest{Header: p.HeaderTo(0)})
		m := tester.ExpectENRP[*enrp.ListResponse](p.Assoc, nil)
		if !m.Rejected {
			return m
		}
		t.Sleep(settled / 10)
	}
	t.Inconclusive("S has not told its peers within %v", settled)
	return nil
}

// mentors starts S with two mentors, which take associations.
func mentors(t *conformance.T) (one, two *conformance.PeerSide, asked map[*conformance.PeerSide]int) {
	one, at1 := t.ListenPeer(t.Endpoint(), 0, tester.Setup{})
	two, at2 := t.ListenPeer(t.Endpoint(), 0, tester.Setup{Port: secondPort})
	one.Auto.Accept, two.Auto.Accept = true, true
	t.Do("start", conformance.Args{"peers": at1 + " " + at2})
	return one, two, map[*conformance.PeerSide]int{}
}

// inParts has a mentor deliver two pools of three elements altogether, in n responses one after the other.
func inParts(t *conformance.T, p *conformance.PeerSide, n int, policy param.Policy) []enrp.PoolEntry {
	a, b := t.Pool("a"), t.Pool("b")
	for _, pool := range []param.PoolHandle{a, b, b} {
		list(p, enrp.AddPE, pool, owned(t, p, policy))
	}
	var parts []enrp.PoolEntry
	for _, e := range p.Pools {
		for _, pe := range e.PoolElements {
			parts = append(parts, enrp.PoolEntry{PoolHandle: e.PoolHandle, PoolElements: []param.PoolElement{pe}})
		}
	}
	next := 0
	answer(p, func(m enrp.Message) bool {
		q, ok := m.(*enrp.HandleTableRequest)
		if !ok || q.OwnChildrenOnly {
			return false // the whole at once
		}
		if next == n {
			next = 0
		}
		next++
		to := len(parts)
		if next < n {
			to = next
		}
		p.SendENRP(&enrp.HandleTableResponse{Header: p.HeaderTo(q.Sender), More: next < n, Pools: parts[next-1 : to]})
		return true
	})
	return p.Pools
}
