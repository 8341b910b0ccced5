// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.6, Handlespace Data Auditing and Re-synchronization.
var section3_6 = []conformance.Case{
	{ID: "5353/3.6.1/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		p.Present(true)
		for range 2 {
			m, ok := p.NextMessage(t.Wait(), func(m tester.Message) bool { return len(m.Data) >= 12 && m.Data[0] == byte(enrp.TypePresence) })
			if !ok {
				t.Inconclusive("no ENRP_PRESENCE came; seen: %s", p.SeenMessages())
			}
			x, _, err := enrp.Parse(m.Data)
			t.Check(err == nil && x.(*enrp.Presence).Checksum != nil, "a PE Checksum parameter of 6 bytes", "%x %v", m.Data, err)
			p.Present(true)
		}
	}},
	{ID: "5353/3.6.1/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		twoElements(t, p)
		drop[*enrp.HandleTableRequest](p)
		p.Checksum ^= 0x5555
		p.Present(false)
		tester.ExpectENRP(p.Assoc, func(m *enrp.HandleTableRequest) bool { return m.OwnChildrenOnly })
	}},
	{ID: "5353/3.6.2/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		// There may be others' pool elements: what is added is checked.
		first := checksum(t, p)
		sum := uint32(^uint16(first))
		var all []*conformance.PESide
		for _, n := range []int{4, 5, 7} {
			pool := param.PoolHandle(fmt.Sprintf("%08x", t.Rand().Uint32())[:n])
			pe := t.RegisterPE(conformance.PEConfig{Pool: pool})
			all = append(all, pe)
			sum = add(sum, pool, pe.Element.ID)
			got := checksum(t, p)
			t.Check(same(got, param.PEChecksum(^uint16(sum))), fmt.Sprintf("PE Checksum %#04x", ^uint16(sum)), "%#04x with a pool handle of %d bytes", uint16(got), n)
		}
		for _, pe := range all {
			pe.Deregister()
		}
		got := checksum(t, p)
		t.Check(same(got, first), "the PE Checksum of before", "%#04x, before %#04x", uint16(got), uint16(first))
	}},
	{ID: "5353/3.6.3/1", Run: func(t *conformance.T) {
		mine := t.RegisterPE(conformance.PEConfig{})
		one := t.Peer(0, tester.Setup{})
		other := owned(t, one, roundRobin)
		update(one, enrp.AddPE, t.Pool(), other)
		resolves(t, t.Dial(tester.Setup{}), t.Pool(), mine.Element, other)
		two := unknownPeer(t, secondPort)
		two.Present(false)
		seen := false
		for more := true; more; {
			m := table(t, two, true)
			for _, e := range m.Pools {
				for _, pe := range e.PoolElements {
					t.Check(pe.ID != other.ID && pe.HomeID == m.Sender, "pool elements of S only", "%+v", pe)
					seen = seen || pe.ID == mine.Element.ID
				}
			}
			more = m.More
		}
		t.Check(seen, "all pool elements of S", "without %#x", mine.Element.ID)
	}},
	{ID: "5353/3.6.3/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		a, b := twoElements(t, p)
		list(p, enrp.DelPE, t.Pool(), b)
		p.Present(false)
		if _, _, ok := tester.NextENRP(p.Assoc, t.Wait(), func(m *enrp.HandleTableRequest) bool { return m.OwnChildrenOnly }); !ok {
			t.Inconclusive("S does not ask for the pool elements; seen: %s", p.SeenMessages())
		}
		resolves(t, t.Dial(tester.Setup{}), t.Pool(), a)
	}},
}

// twoElements tells S of two pool elements of the peer, and waits until it has them.
func twoElements(t *conformance.T, p *conformance.PeerSide) (a, b param.PoolElement) {
	a, b = owned(t, p, roundRobin), owned(t, p, roundRobin)
	update(p, enrp.AddPE, t.Pool(), a)
	update(p, enrp.AddPE, t.Pool(), b)
	resolves(t, t.Dial(tester.Setup{}), t.Pool(), a, b)
	p.Present(false)
	t.Sleep(t.Quiet()) // S may have found the checksums of before to differ
	return a, b
}

// drop takes the messages of a type that have come.
func drop[M enrp.Message](p *conformance.PeerSide) {
	for {
		if _, _, ok := tester.NextENRP[M](p.Assoc, 0, nil); !ok {
			return
		}
	}
}

// checksum is S's PE Checksum now.
func checksum(t *conformance.T, p *conformance.PeerSide) param.PEChecksum {
	m := presence(t, p)
	if m.Checksum == nil {
		t.Inconclusive("no PE Checksum in the ENRP_PRESENCE")
	}
	return *m.Checksum
}
