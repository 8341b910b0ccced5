// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// full is an association whose S does not read any more, and has said that it has no room left.
func full(t *conformance.T) *tester.Assoc {
	a := t.Dial(tester.Setup{})
	t.Act(a, "noread")
	var s wire.Sack
	few := 0
	for rwnd := int(a.Peer.ARwnd); rwnd > 0; rwnd = int(s.ARwnd) {
		if rwnd <= 16 { // S avoids silly windows by saying that there is nearly nothing: T probes
			if few++; few > 200 { // usrsctp takes some thirty
				t.Inconclusive("the window does not close: S has room for %d bytes again and again", rwnd)
			}
			rwnd = tester.FragmentSize
		}
		for n := 0; n < 32 && rwnd > 0; n++ {
			size := min(rwnd, tester.FragmentSize)
			rwnd -= size
			flags := uint8(0)
			if n == 31 || rwnd == 0 {
				flags = wire.DataImmediate
			}
			a.Send(a.Fragments(0, flags, 0, make([]byte, size))...)
		}
		// S may count more than the user data, and be full before all of it is in.
		last := a.NextTSN - 1
		if a.Next(t.Wait(), tester.Is(wire.ChunkSack).Where("of all, or of a full window", func(c *tester.Chunk) bool {
			s = a.SackIn(c)
			return last.LessEq(s.CumTSNAck) || s.ARwnd == 0
		})) == nil {
			t.Inconclusive("S does not acknowledge what it has said it has room for; seen: %s", a.Seen())
		}
	}
	t.Sleep(settle)
	for _, c := range a.Unread() {
		if c.Type == wire.ChunkSack {
			s = a.SackIn(c)
		}
	}
	a.NextTSN = s.CumTSNAck + 1 // what came too late was dropped
	a.Drain()
	return a
}

// covers reports whether a SACK acknowledges a TSN, by its Cumulative TSN Ack or a Gap Ack Block.
func covers(s wire.Sack, tsn wire.TSN) bool {
	if tsn.LessEq(s.CumTSNAck) {
		return true
	}
	off := tsn.Diff(s.CumTSNAck)
	return slices.ContainsFunc(s.Gaps, func(g wire.GapAckBlock) bool { return int32(g.Start) <= off && off <= int32(g.End) })
}

// sackCovering matches a SACK that acknowledges a TSN.
func sackCovering(a *tester.Assoc, tsn wire.TSN) tester.Match {
	return tester.Is(wire.ChunkSack).Where("that acknowledges the TSN", func(c *tester.Chunk) bool { return covers(a.SackIn(c), tsn) })
}

// Section 6.2, Acknowledgement on Reception of DATA Chunks, and its subsection.
var section6_2 = []conformance.Case{
	{ID: "9260/6.2/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.SetSSN(0, 1)
		for range 100 {
			quiet(a)
		}
		a.ExpectSack(a.NextTSN - 1)
	}},
	{ID: "9260/6.2/2", Run: func(t *conformance.T) {
		a := full(t)
		tsn := a.SendData(0, []byte("no room"))
		c := a.ExpectWithin(atOnce, tester.Is(wire.ChunkSack))
		t.Check(!covers(a.SackIn(c), tsn), "a SACK that does not cover what came when a_rwnd was 0", "%v", c.Chunk)
	}},
	{ID: "9260/6.2/3", Run: func(t *conformance.T) {
		a := full(t)
		n := a.NextTSN
		a.SendData(0, []byte("no room"))
		a.SendData(0, []byte("nor here"))
		for i := range wire.TSN(2) {
			a.ExpectNone(sackCovering(a, n+i))
		}
	}},
	{ID: "9260/6.2/4", Run: func(t *conformance.T) {
		a := full(t)
		t.Act(a, "read")
		a.Expect(tester.Is(wire.ChunkSack).Where("with a_rwnd above 0", func(c *tester.Chunk) bool { return a.SackIn(c).ARwnd > 0 }))
	}},
	{ID: "9260/6.2/5", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		for range 3 {
			quiet(a)
			a.ExpectWithin(atOnce, tester.SackOf(quiet(a), nil))
			t.Sleep(settle)
		}
	}},
	{ID: "9260/6.2/6", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		// What the timers of S and the network take comes on top.
		a.ExpectWithin(200*time.Millisecond+2*atOnce, tester.SackOf(quiet(a), nil))
	}},
	{ID: "9260/6.2/7", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		for range 10 {
			a.ExpectWithin(500*time.Millisecond+atOnce, tester.SackOf(quiet(a), nil))
			t.Sleep(settle)
		}
	}},
	{ID: "9260/6.2/8", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.SetSSN(0, 1)
		for range 50 {
			quiet(a)
			t.Sleep(5 * time.Millisecond)
		}
		a.ExpectSack(a.NextTSN - 1)
		t.Sleep(t.Quiet())
		n := 0
		var last *wire.Sack
		for _, c := range chunksOf(t, a, wire.ChunkSack) {
			s := a.SackIn(c)
			if last == nil || s.CumTSNAck != last.CumTSNAck || s.ARwnd <= last.ARwnd { // else a window update
				n++
			}
			last = &s
		}
		t.Check(n <= 50, "at most one SACK for each of the 50 packets", "%d", n)
	}},
	{ID: "9260/6.2/9", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		var want []wire.GapAckBlock
		for i := range uint16(40) {
			a.NextTSN++
			quiet(a)
			want = append(want, wire.GapAckBlock{Start: 2*i + 2, End: 2*i + 2})
		}
		a.Expect(tester.Is(wire.ChunkSack).Where("with 40 Gap Ack Blocks of one TSN each", func(c *tester.Chunk) bool { return slices.Equal(a.SackIn(c).Gaps, want) }))
		c := a.Next(t.Quiet(), tester.Is(wire.ChunkSack))
		t.Check(c == nil || slices.Equal(a.SackIn(c).Gaps, want), "40 Gap Ack Blocks in the last SACK", "another one")
	}},
	{ID: "9260/6.2/10", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		for range 3 {
			a.Send(quietChunk(a, wire.DataImmediate))
			a.ExpectWithin(atOnce, tester.SackOf(a.NextTSN-1, nil))
			t.Sleep(settle)
		}
	}},
	{ID: "9260/6.2/11", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		chunk := quietChunk(a, 0)
		a.Send(chunk)
		a.ExpectSack(a.NextTSN - 1)
		t.Sleep(settle)
		a.Drain()
		a.Send(chunk)
		a.ExpectWithin(atOnce, tester.SackOf(a.NextTSN-1, nil))
	}},
	{ID: "9260/6.2/12", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		chunk := quietChunk(a, 0)
		tsn := a.NextTSN - 1
		a.Send(chunk)
		a.ExpectSack(tsn)
		t.Sleep(settle)
		a.Drain()
		a.Send(chunk)
		var s wire.Sack
		a.Expect(tester.SackOf(tsn, &s))
		t.Check(slices.Contains(s.Dups, tsn), "the TSN among the duplicates", "duplicates %v", s.Dups)
	}},
	{ID: "9260/6.2/13", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		chunks := a.Fragments(0, 0, 0, make([]byte, 12*tester.FragmentSize))
		last := a.Peer.ARwnd
		for i, c := range chunks[:len(chunks)-1] {
			a.Send(c)
			s := a.ExpectSack(a.NextTSN - wire.TSN(len(chunks)-i))
			t.Check(s.ARwnd <= last, "an a_rwnd that does not grow while fragments are held", "%d after %d", s.ARwnd, last)
			last = s.ARwnd
		}
	}},
	{ID: "9260/6.2/14", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		tsn := a.NextTSN
		a.Send(a.Data(0, nil))
		c := a.Expect(tester.Is(wire.ChunkAbort).Cause(wire.CauseNoUserData))
		cause := tester.CauseOf(c, wire.CauseNoUserData)
		got, err := cause.NoUserData()
		t.Check(err == nil && len(cause.Raw) == 8 && got == tsn, "a No User Data cause of 8 bytes with the TSN", "%d bytes, %v", len(cause.Raw), cause)
	}},
	{ID: "9260/6.2.1/1", Run: func(t *conformance.T) {
		a := sending(t, tester.Setup{}, 2, 100)
		if a.CumTSN() == a.Peer.InitialTSN { // S waits to send the second one
			sack(a, a.CumTSN(), 65535)
			a.ExpectData()
		}
		sack(a, a.CumTSN(), 65535)
		sack(a, a.CumTSN()-1, 0)
		t.Sleep(settle)
		before := len(firsts(t, a))
		t.Act(a, "send", "count", "3", "size", "1000")
		// A zero window probe would come later, and alone.
		ok := t.Until(2*settle, func() bool { return len(firsts(t, a)) >= before+3 })
		t.Check(ok, "DATA as far as the window of the newer SACK lets it through", "%s", describe(firsts(t, a)[before:]))
	}},
	{ID: "9260/6.2.1/2", Run: func(t *conformance.T) {
		a := sending(t, tester.Setup{ARwnd: 3000}, 40, 500)
		for range 5 {
			n := 0
			for _, x := range firsts(t, a) {
				n += len(x.Payload)
			}
			t.Check(n <= 3000, "no more than 3000 bytes of user data outstanding", "%d", n)
			sack(a, a.Peer.InitialTSN-1, 3000)
			t.Sleep(settle)
		}
	}},
}
