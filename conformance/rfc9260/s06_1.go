// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// probing is an association where all that S has sent is acknowledged and T's window is closed; S has 20 messages to send.
// closed is when T has closed it.
func probing(t *conformance.T) (a *tester.Assoc, closed time.Time) {
	a = t.Dial(tester.Setup{})
	a.Auto.Sack = false
	t.Act(a, "send")
	a.ExpectData()
	closed = time.Now()
	sack(a, a.CumTSN(), 0)
	t.Sleep(settle)
	t.Act(a, "send", "count", "20", "size", "1000")
	return a, closed
}

// probe waits for a zero window probe: new, or one that was sent before.
func probe(a *tester.Assoc, d time.Duration) *tester.Chunk {
	return a.ExpectWithin(d, tester.Match{Text: "a zero window probe (DATA)", OK: tester.Is(wire.ChunkData).OK})
}

// openWindow has T acknowledge everything from now on, and checks that count messages are there in the end.
func openWindow(t *conformance.T, a *tester.Assoc, count int) {
	a.Drain()
	sack(a, a.CumTSN(), 65535)
	a.Auto.Sack = true
	t.Until(60*time.Second, func() bool { return len(a.Messages()) >= count })
	t.Check(len(a.Messages()) >= count, "all messages when the window is open", "%d of %d", len(a.Messages()), count)
}

// Section 6.1, Transmission of DATA Chunks.
var section6_1 = []conformance.Case{
	{ID: "9260/6.1/1", Run: func(t *conformance.T) {
		a, first := outstanding(t, tester.Setup{ARwnd: 10000}, 2, 20, 1000)
		before := len(firsts(t, a))
		sack(a, first, 0)
		t.Sleep(500 * time.Millisecond)
		t.Check(len(firsts(t, a)) <= before+1, "no new TSN but a zero window probe while T's window is closed", "%s", describe(firsts(t, a)[before:]))
		for range 3 {
			sack(a, a.CumTSN(), 0)
			cum := a.CumTSN()
			t.Sleep(3 * time.Second)
			var fresh []transmission
			for _, x := range firsts(t, a) {
				if cum.Less(x.TSN) {
					fresh = append(fresh, x)
				}
			}
			t.Check(len(fresh) <= 1, "one zero window probe at a time", "%s", describe(fresh))
		}
		openWindow(t, a, 20)
	}},
	{ID: "9260/6.1/2", Run: func(t *conformance.T) {
		a, _ := probing(t)
		probe(a, 10*time.Second)
		openWindow(t, a, 21)
	}},
	{ID: "9260/6.1/3", Run: func(t *conformance.T) {
		a, first := outstanding(t, tester.Setup{ARwnd: 10000}, 4, 20, 1000)
		before := len(firsts(t, a))
		sack(a, first, 0)
		t.Sleep(4 * time.Second)
		t.Check(len(firsts(t, a)) == before, "no new TSN while earlier DATA is outstanding", "%s", describe(firsts(t, a)[before:]))
		a.Drain()
		sack(a, a.CumTSN(), 0)
		probe(a, 40*time.Second)
	}},
	{ID: "9260/6.1/4", Run: func(t *conformance.T) {
		a, last := probing(t)
		cum := a.CumTSN()
		var gaps []time.Duration
		for range 5 {
			c := probe(a, 3*time.Minute)
			sack(a, cum, 0)
			gaps = append(gaps, c.Packet.Time.Sub(last))
			last = c.Packet.Time
		}
		rto := time.Duration(t.Param("RTO.Min", 1)) * time.Second
		t.Check(gaps[0] >= rto*9/10 && gaps[0] < 4*rto+settle, "the first zero window probe after 1 RTO", "%v", gaps[0])
		// The first one may have been sent by a timer of its own, the others by T3-rtx.
		for i, g := range gaps[2:] {
			t.Check(g >= gaps[i+1]*3/2 || g >= 50*time.Second, "intervals between zero window probes that grow exponentially", "%v", gaps)
		}
	}},
	{ID: "9260/6.1/5", Run: func(t *conformance.T) {
		a, _ := probing(t)
		cum := a.CumTSN()
		for range t.Param("Association.Max.Retrans", 10) + 2 {
			probe(a, 3*time.Minute)
			sack(a, cum, 0)
		}
		openWindow(t, a, 21)
	}},
	{ID: "9260/6.1/6", Run: func(t *conformance.T) {
		a, n := outstanding(t, tester.Setup{}, 5, 60, 700)
		for i := range uint16(3) {
			t.Sleep(100 * time.Millisecond)
			a.Drain()
			sack(a, n-1, 65535, wire.GapAckBlock{Start: 2, End: 2 + i})
		}
		d, _ := a.ExpectData()
		t.Check(d.TSN == n, "the missing TSN after the third SACK that reports it", "TSN %d, %d above it", d.TSN, d.TSN.Diff(n))
	}},
	{ID: "9260/6.1/7", Run: func(t *conformance.T) {
		a := sending(t, tester.Setup{ARwnd: 4 << 20}, 80, 1400)
		// Slow start: each acknowledgement of a packet lets out one more.
		open := func() int { // packets with what is not acknowledged
			cum := lastSacked(t, a)
			n := 0
			for _, p := range packetsOf(t, a) {
				if c := p.Has(wire.ChunkData); c != nil && cum.Less(a.DataIn(c).TSN) {
					n++
				}
			}
			return n
		}
		for _, x := range firsts(t, a) {
			sack(a, x.TSN, 4<<20)
			t.Sleep(20 * time.Millisecond)
		}
		for i := 0; i < 40 && open() < 12; i++ {
			sack(a, lastSacked(t, a)+1, 4<<20)
			t.Sleep(20 * time.Millisecond)
		}
		if n := open(); n < 10 {
			t.Inconclusive("S has only %d packets outstanding", n)
		}
		before := len(packetsOf(t, a))
		sack(a, a.CumTSN(), 4<<20)
		t.Sleep(settle)
		got := packetsOf(t, a)[before:]
		got = slices.DeleteFunc(got, func(p *tester.Packet) bool { return p.Has(wire.ChunkData) == nil })
		// What S spreads over the round trip is no burst.
		burst, n := 0, 0
		for i, p := range got {
			if i == 0 || p.Time.Sub(got[i-1].Time) > time.Millisecond/2 {
				n = 0
			}
			n++
			burst = max(burst, n)
		}
		most := t.Param("Max.Burst", 4)
		// Rule B lets one packet exceed the cwnd that rule D lowers.
		t.Check(burst > 0 && burst <= most+1, "at most Max.Burst packets and one at once in answer to one SACK", "%d packets", burst)
	}},
	{ID: "9260/6.1/8", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		for range 3 { // the first DATA may be acknowledged at once
			tsn := a.SendData(0, []byte("echo"))
			_, c := a.ExpectData()
			acked := false
			for _, p := range packetsOf(t, a) {
				for _, k := range p.Chunks {
					acked = acked || k.Type == wire.ChunkSack && tsn.LessEq(a.SackIn(k).CumTSNAck)
				}
				if p == c.Packet {
					break
				}
			}
			t.Check(acked, "a SACK of T's DATA in the packet of the echo or before it", "%v", c.Packet)
			t.Sleep(time.Second)
			a.Drain()
		}
	}},
}

// lastSacked is the Cumulative TSN Ack of T's last SACK.
func lastSacked(t *conformance.T, a *tester.Assoc) (cum wire.TSN) {
	for _, p := range t.Packets() {
		if p.In || p.Header.SrcPort != a.Port {
			continue
		}
		if c := p.Has(wire.ChunkSack); c != nil {
			cum = a.SackIn(c).CumTSNAck
		}
	}
	return cum
}
