// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.7, Report Gaps in Received DATA TSNs.
var section6_7 = []conformance.Case{
	{ID: "9260/6.7/1", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		a.NextTSN++
		tsn := quiet(a)
		a.ExpectWithin(atOnce, tester.Is(wire.ChunkSack).Where("with a Gap Ack Block for the TSN", func(c *tester.Chunk) bool {
			s := a.SackIn(c)
			return s.CumTSNAck == tsn-2 && len(s.Gaps) == 1 && s.Gaps[0] == wire.GapAckBlock{Start: 2, End: 2}
		}))
	}},
	{ID: "9260/6.7/2", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		const gaps = 400
		before := len(packetsOf(t, a))
		for i := range gaps {
			a.NextTSN++
			quiet(a)
			if i%10 == 0 {
				t.Sleep(2 * time.Millisecond) // nothing is to be lost on the way
			}
		}
		t.Sleep(t.Quiet())
		sacks := 0
		var last wire.Sack
		for _, p := range packetsOf(t, a)[before:] {
			n := 0
			for _, c := range p.Chunks {
				if c.Type == wire.ChunkSack {
					n++
					last = a.SackIn(c)
				}
			}
			sacks += n
			t.Check(n <= 1, "one SACK in a packet", "%d", n)
			t.Check(n == 0 || ipLen(p) <= pmtu(t), "SACKs in IP packets no larger than the PMTU", "one of %d bytes, the PMTU is %d", ipLen(p), pmtu(t))
		}
		t.Check(sacks > 0 && sacks <= gaps, "one SACK at most for each packet", "%d", sacks)
		t.Check(len(last.Gaps) > 0, "a SACK with Gap Ack Blocks", "none")
		for i, g := range last.Gaps {
			want := uint16(2*i + 2)
			t.Check(g == wire.GapAckBlock{Start: want, End: want}, "the Gap Ack Blocks from the lowest TSN on", "block %d is %d-%d, not %d-%d", i+1, g.Start, g.End, want, want)
		}
	}},
	{ID: "9260/6.7/3", Run: func(t *conformance.T) {
		a := multihomed(t)
		a.SetSSN(0, 1)
		a.From = 1
		c := a.Expect(tester.SackOf(quiet(a), nil))
		t.Check(c.Packet.Local == 1, "the SACK at T's second address, where the DATA came from", "it came to address %d", c.Packet.Local+1)
	}},
}
