// SPDX-License-Identifier: Apache-2.0

package rfc3758

import (
	"bytes"
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// holey is a receiver that has n, n+2, n+3 and n+5.
func holey(t *conformance.T) (*tester.Assoc, wire.TSN) {
	a := receiver(t)
	n := a.SendData(0, []byte("n"))
	for _, gap := range []int{1, 0, 1} {
		for range gap {
			a.TSN()
		}
		a.SendData(0, []byte("after"))
	}
	a.Expect(tester.Is(wire.ChunkSack).Where("with two Gap Ack Blocks", func(c *tester.Chunk) bool { return len(a.SackIn(c).Gaps) == 2 }))
	t.Sleep(settle)
	a.Drain()
	return a, n
}

// exactly checks the Cumulative TSN Ack and the Gap Ack Blocks of a SACK.
func exactly(t *conformance.T, s wire.Sack, cum wire.TSN, gaps ...wire.GapAckBlock) {
	t.Check(s.CumTSNAck == cum && slices.Equal(s.Gaps, gaps), "Cumulative TSN Ack and Gap Ack Blocks as they follow from the FORWARD TSN",
		"%d %v instead of %d %v", s.CumTSNAck, s.Gaps, cum, gaps)
}

// Section 3.6, Receiver Side Implementation of PR-SCTP.
var section3_6 = []conformance.Case{
	{ID: "3758/3.6/1", Run: func(t *conformance.T) {
		a := receiver(t)
		n := a.TSN()
		forward(a, n)
		exactly(t, a.ExpectSack(n), n)
	}},
	{ID: "3758/3.6/2", Run: func(t *conformance.T) {
		a, n := holey(t)
		forward(a, n+1)
		exactly(t, a.ExpectSack(n+1), n+3, wire.GapAckBlock{Start: 2, End: 2})
	}},
	{ID: "3758/3.6/3", Run: func(t *conformance.T) {
		a := receiver(t)
		for range 3 {
			a.TSN()
		}
		n := a.NextTSN - 1
		a.SendData(0, []byte("n+1"))
		a.TSN()
		a.SendData(0, []byte("n+3"))
		a.Expect(tester.Is(wire.ChunkSack).Where("with two Gap Ack Blocks", func(c *tester.Chunk) bool { return len(a.SackIn(c).Gaps) == 2 }))
		t.Sleep(settle)
		a.Drain()
		forward(a, n)
		for range 3 {
			exactly(t, a.ExpectSack(n-3), n+1, wire.GapAckBlock{Start: 2, End: uint16((a.NextTSN - 1).Diff(n + 1))})
			t.Sleep(time.Second)
			a.Drain()
			a.SendData(0, []byte("more"))
		}
	}},
	{ID: "3758/3.6/4", Run: func(t *conformance.T) {
		a := receiver(t)
		for range 4 {
			a.SendData(0, []byte("quiet"))
		}
		n := a.NextTSN - 1
		a.ExpectSack(n)
		t.Sleep(settle)
		a.Drain()
		for _, tsn := range []wire.TSN{n - 3, n} {
			forward(a, tsn)
			a.ExpectNone(tester.Is(wire.ChunkSack).Where("with another Cumulative TSN Ack", func(c *tester.Chunk) bool { return a.SackIn(c).CumTSNAck != n }))
			a.Drain()
		}
		a.SendData(0, []byte("quiet"))
		exactly(t, a.ExpectSack(n-4), n+1)
	}},
	{ID: "3758/3.6/5", Run: func(t *conformance.T) {
		a := receiver(t)
		forward(a, a.NextTSN-1)
		a.ExpectSack(a.NextTSN - 1)
	}},
	{ID: "3758/3.6/6", Run: func(t *conformance.T) {
		a := receiver(t)
		begin := time.Now()
		n := a.TSN()
		forward(a, n)
		c := a.Expect(tester.SackOf(n, nil))
		took := c.Packet.Time.Sub(begin)
		t.Check(took <= 500*time.Millisecond+settle, "a SACK within 500 ms", "it took %v", took)
	}},
	{ID: "3758/3.6/7", Run: func(t *conformance.T) {
		a := t.Dial(partial)
		t.NeedForwardTSN(a)
		n := a.TSN()
		a.SetSSN(0, 1)
		a.SendData(0, []byte("one"))
		a.SendData(0, []byte("two"))
		a.ExpectNoMessage()
		forward(a, n, wire.SkippedStream{Stream: 0, SSN: 0})
		a.ExpectEcho([]byte("one"))
		a.ExpectEcho([]byte("two"))
	}},
	{ID: "3758/3.6/8", Run: func(t *conformance.T) {
		a := t.Dial(partial)
		t.NeedForwardTSN(a)
		ssn := a.SSN(1)
		parts := a.Fragments(1, 0, 0, bytes.Repeat([]byte("x"), 3*tester.FragmentSize))
		a.Send(parts[0])
		a.ExpectSack(a.NextTSN - 3)
		forward(a, a.NextTSN-1, wire.SkippedStream{Stream: 1, SSN: ssn})
		a.ExpectSack(a.NextTSN - 1)
		a.Send(parts[1])
		a.Send(parts[2])
		a.ExpectNoMessage()
		a.SendData(1, []byte("next"))
		a.ExpectEcho([]byte("next"))
	}},
	{ID: "3758/3.6/9", Run: func(t *conformance.T) {
		a := receiver(t)
		late := a.Fragments(1, wire.DataUnordered, 0, []byte("late"))[0]
		n := a.NextTSN - 1
		forward(a, n)
		a.ExpectSack(n)
		a.Drain()
		a.Send(late)
		a.Expect(tester.Is(wire.ChunkSack).Where("that lists the TSN as a duplicate", func(c *tester.Chunk) bool {
			return slices.Contains(a.SackIn(c).Dups, n)
		}))
		a.ExpectNoMessage()
	}},
}
