// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"cmp"
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.4, Selective Acknowledgement (SACK).
var section3_3_4 = []conformance.Case{
	{ID: "9260/3.3.4/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		n := a.NextTSN
		for range 3 {
			a.SendData(0, []byte("data"))
		}
		a.ExpectSack(n + 2)
		a.NextTSN = n + 4
		a.SendData(0, []byte("data"))
		a.SendData(0, []byte("data"))
		a.NextTSN = n + 7
		a.SendData(0, []byte("data"))
		want := []wire.GapAckBlock{{Start: 2, End: 3}, {Start: 5, End: 5}}
		a.Expect(tester.Is(wire.ChunkSack).Where("with Cumulative TSN Ack n+2 and the Gap Ack Blocks 2-3 and 5-5", func(c *tester.Chunk) bool {
			s := a.SackIn(c)
			return s.CumTSNAck == n+2 && slices.Equal(s.Gaps, want)
		}))
	}},
	{ID: "9260/3.3.4/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		n := a.NextTSN
		for _, off := range []wire.TSN{0, 2, 3, 4, 6} {
			a.NextTSN = n + off
			a.SendData(0, []byte("data"))
		}
		c := a.Expect(tester.Is(wire.ChunkSack).Where("of TSN n+6", func(c *tester.Chunk) bool {
			s := a.SackIn(c)
			return s.CumTSNAck == n && slices.ContainsFunc(s.Gaps, func(g wire.GapAckBlock) bool { return g.End >= 6 })
		}))
		gaps := a.SackIn(c).Gaps
		slices.SortFunc(gaps, func(x, y wire.GapAckBlock) int { return cmp.Compare(x.Start, y.Start) })
		t.Check(slices.Equal(gaps, []wire.GapAckBlock{{Start: 2, End: 4}, {Start: 6, End: 6}}), "the Gap Ack Blocks 2-4 and 6-6", "%v", gaps)
	}},
	{ID: "9260/3.3.4/3", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.NextTSN++
		a.SendData(0, []byte("data"))
		s := a.SackIn(a.Expect(tester.Is(wire.ChunkSack)))
		t.Check(s.CumTSNAck == a.Setup.TSN-1 && slices.Equal(s.Gaps, []wire.GapAckBlock{{Start: 2, End: 2}}),
			"Cumulative TSN Ack one below the Initial TSN and the Gap Ack Block 2-2", "%d below, %v", a.Setup.TSN.Diff(s.CumTSNAck), s.Gaps)
	}},
	{ID: "9260/3.3.4/4", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		n := mark(t)
		tsn := thrice(a)
		a.ExpectSack(tsn)
		t.Sleep(t.Quiet())
		dups := dupsSince(t, a, n)
		t.Check(slices.Equal(dups, []wire.TSN{tsn, tsn}), "the TSN listed twice as duplicate", "%d of TSN %d", dups, tsn)
	}},
	{ID: "9260/3.3.4/5", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		tsn := thrice(a)
		a.ExpectSack(tsn)
		t.Sleep(t.Quiet())
		n := mark(t)
		a.ExpectSack(a.SendData(0, []byte("data")))
		dups := dupsSince(t, a, n)
		t.Check(len(dups) == 0, "a SACK without duplicates", "%d", dups)
	}},
}

// thrice sends a DATA chunk three times in one packet.
func thrice(a *tester.Assoc) wire.TSN {
	c := a.Data(0, []byte("data"))
	a.Send(c, c, c)
	return a.NextTSN - 1
}

// dupsSince are the duplicates in all SACKs of S after the first n packets.
func dupsSince(t *conformance.T, a *tester.Assoc, n int) (dups []wire.TSN) {
	for _, c := range since(t, n) {
		if c.Type == wire.ChunkSack {
			s := a.SackIn(c)
			dups = append(dups, s.Dups...)
		}
	}
	return dups
}
