// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// pmdcs is the size of the DATA chunks in S's largest packet.
func pmdcs(t *conformance.T, a *tester.Assoc) (most int) {
	sizes := map[*tester.Packet]int{}
	for _, x := range transmissions(t, a) {
		sizes[x.chunk.Packet] += x.size()
		most = max(most, sizes[x.chunk.Packet])
	}
	return most
}

// initialCwnd is the window of Section 7.2.1, and what may be outstanding on top of it: less than a packet (Section 6.1, B).
func initialCwnd(t *conformance.T, a *tester.Assoc) int {
	p, floor := pmdcs(t, a), 4404
	if !a.To.Addr().Is4() {
		floor = 4344
	}
	return min(4*p, max(2*p, floor))
}

// bytes are those of transmissions.
func bytesOf(all []transmission) (n int) {
	for _, x := range all {
		n += x.size()
	}
	return n
}

// missing is an association where T has reported the first TSN of S's missing n times, acknowledging one more TSN each
// time unless same. That takes less than RTO.Min together with the time to look at what follows.
func missing(t *conformance.T, n int, same bool) (*tester.Assoc, wire.TSN) {
	a, tsn := outstanding(t, tester.Setup{}, 8, 8, 500)
	for i := range uint16(n) {
		a.Drain()
		end := 2 + i
		if same {
			end = 2
		}
		sack(a, tsn-1, 65535, wire.GapAckBlock{Start: 2, End: end})
		t.Sleep(50 * time.Millisecond)
	}
	return a, tsn
}

// resent is whether S has sent a TSN more than once.
func resent(t *conformance.T, a *tester.Assoc, tsn wire.TSN) bool {
	for _, x := range transmissions(t, a) {
		if x.TSN == tsn && !x.first {
			return true
		}
	}
	return false
}

// Section 7.2, SCTP Slow-Start and Congestion Avoidance: its subsections.
var section7_2 = []conformance.Case{
	{ID: "9260/7.2.1/1", Run: func(t *conformance.T) {
		a := sending(t, tester.Setup{}, 2, 50000)
		got, most := bytesOf(firsts(t, a)), initialCwnd(t, a)+pmdcs(t, a)
		t.Check(got < most, "less outstanding than the initial cwnd and a packet", "%d bytes, the limit is %d", got, most)
	}},
	{ID: "9260/7.2.1/2", Run: func(t *conformance.T) {
		a := sending(t, tester.Setup{}, 2, 50000)
		a.Auto.HeartbeatAck = false // what passes would show S that only large packets are lost (RFC 8899)
		first := firsts(t, a)[0].TSN
		for range 2 { // each expiry lets one packet out
			c := a.ExpectWithin(10*time.Second, tester.Is(wire.ChunkData))
			t.Sleep(800 * time.Millisecond)
			for _, k := range a.Unread() {
				t.Check(k.Type != wire.ChunkData || k.Packet == c.Packet, "one packet in flight after T3-rtx has expired", "another one: %v", k.Packet)
			}
			a.Drain()
		}
		sack(a, first, 65535)
		a.Expect(tester.Is(wire.ChunkData))
	}},
	{ID: "9260/7.2.1/3", Run: func(t *conformance.T) {
		a := sending(t, tester.Setup{}, 2, 50000)
		acked := 0
		for i := range 20 {
			all := firsts(t, a)
			if i >= len(all) {
				break
			}
			acked += all[i].size()
			sack(a, all[i].TSN, 128<<10)
			t.Sleep(30 * time.Millisecond)
			got, most := bytesOf(firsts(t, a)[i+1:]), initialCwnd(t, a)+acked+pmdcs(t, a)-1
			t.Check(got <= most, "no more outstanding than the initial cwnd, what was acknowledged, and a packet", "%d bytes after %d were acknowledged, the limit is %d", got, acked, most)
		}
	}},
	{ID: "9260/7.2.4/1", Run: func(t *conformance.T) {
		a, tsn := missing(t, 2, false)
		t.Sleep(300 * time.Millisecond)
		t.Check(!resent(t, a, tsn), "no retransmission after two miss indications", "one")
	}},
	{ID: "9260/7.2.4/2", Run: func(t *conformance.T) {
		a, tsn := missing(t, 3, false)
		t.Sleep(settle)
		t.Check(resent(t, a, tsn), "a fast retransmission after three miss indications", "none; S sent %s", describe(transmissions(t, a)))
	}},
	{ID: "9260/7.2.4/3", Run: func(t *conformance.T) {
		a, tsn := missing(t, 5, true)
		t.Sleep(settle)
		t.Check(!resent(t, a, tsn), "no fast retransmission after SACKs that acknowledge nothing new", "one")
	}},
	{ID: "9260/7.2.4/4", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		a.NextTSN++
		for i := range uint16(5) {
			quiet(a)
			a.ExpectWithin(atOnce, tester.Is(wire.ChunkSack).Where("with a Gap Ack Block up to the TSN", func(c *tester.Chunk) bool {
				s := a.SackIn(c)
				return len(s.Gaps) == 1 && s.Gaps[0] == wire.GapAckBlock{Start: 2, End: 2 + i}
			}))
		}
	}},
}
