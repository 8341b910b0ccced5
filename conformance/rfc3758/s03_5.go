// SPDX-License-Identifier: Apache-2.0

package rfc3758

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.5, Sender Side Implementation of PR-SCTP.
var section3_5 = []conformance.Case{
	{ID: "3758/3.5/1", Run: func(t *conformance.T) {
		a := sender(t)
		t.Act(a, "pr-ttl", "ttl", "500", "size", "20")
		d, _ := a.ExpectData()
		// More than a packet can hold, so that S sends some of it at once.
		t.Act(a, "send", "size", "3000", "stream", "1")
		t.Sleep(time.Second)
		last := highest(t, unread(a))
		sack(a, d.TSN-1, a.Setup.ARwnd, wire.GapAckBlock{Start: 2, End: uint16(last.Diff(d.TSN) + 1)})
		c := a.ExpectWithin(most, tester.Is(wire.ChunkForwardTSN))
		t.Check(forwardIn(c).NewCumTSN == d.TSN, "New Cumulative TSN of the message that was skipped", "%d instead of %d", forwardIn(c).NewCumTSN, d.TSN)
	}},
	{ID: "3758/3.5/2", Run: func(t *conformance.T) {
		f, ssn := twoStreams(t)
		for _, s := range f.Streams {
			n, ok := ssn[s.Stream]
			t.Check(ok && s.SSN <= n, "the streams of abandoned messages, no later one", "%v, and S has sent up to %v", f.Streams, ssn)
		}
		for stream, n := range ssn {
			t.Check(slices.Contains(f.Streams, wire.SkippedStream{Stream: stream, SSN: n}), "each stream with its highest abandoned sequence number",
				"%v, and S has sent up to %v", f.Streams, ssn)
		}
	}},
	{ID: "3758/3.5/6", Run: func(t *conformance.T) {
		f, _ := twoStreams(t)
		seen := map[uint16]bool{}
		for _, s := range f.Streams {
			t.Check(!seen[s.Stream], "each stream once", "%v", f.Streams)
			seen[s.Stream] = true
		}
	}},
	{ID: "3758/3.5/3", Run: func(t *conformance.T) {
		a := sender(t)
		t.Act(a, "pr-ttl", "ttl", "500", "size", "14000")
		first, _ := a.ExpectData()
		sack(a, first.TSN, a.Setup.ARwnd)
		t.Sleep(settle)
		last := highest(t, unread(a))
		a.ExpectWithin(most, skipping(last))
		a.ExpectNoneFor(10*time.Second, tester.Is(wire.ChunkData).Where("of the abandoned message", func(c *tester.Chunk) bool {
			d := a.DataIn(c)
			return d.Stream == first.Stream && d.SSN == first.SSN
		}))
	}},
	{ID: "3758/3.5/4", Run: func(t *conformance.T) {
		a := sender(t)
		t.Act(a, "pr-ttl", "ttl", "500", "size", "20")
		d, _ := a.ExpectData()
		a.ExpectWithin(most, skipping(d.TSN))
		a.ExpectWithin(time.Duration(t.Param("RTO.Max", 60)+10)*time.Second, skipping(d.TSN))
	}},
	{ID: "3758/3.5/5", Run: func(t *conformance.T) {
		a := sender(t)
		t.Act(a, "send", "size", "20")
		d, _ := a.ExpectData()
		t.Act(a, "pr-ttl", "ttl", "500", "size", "700", "count", "3")
		t.Sleep(settle)
		if len(unread(a)) == 0 {
			t.Inconclusive("S sends only one message at a time")
		}
		a.Drain()
		// The T3-rtx timer expires: S gives up the messages that are too old, but may not skip them before the first one.
		a.ExpectWithin(most, tester.Is(wire.ChunkData).Where("again", func(c *tester.Chunk) bool { return a.DataIn(c).TSN == d.TSN }))
		t.Sleep(settle)
		begin := time.Now()
		sack(a, d.TSN, a.Setup.ARwnd)
		c := a.Expect(skipping(d.TSN + 1))
		// Hosts may be late.
		took := c.Packet.Time.Sub(begin)
		t.Check(took <= 500*time.Millisecond+settle, "the FORWARD TSN within 500 ms of the SACK that allows it", "it took %v", took)
	}},
}

// twoStreams has S abandon messages on two streams, and returns its FORWARD TSN and the last sequence number of each stream.
func twoStreams(t *conformance.T) (f wire.ForwardTSN, ssn map[uint16]wire.SSN) {
	a := sender(t)
	t.Act(a, "pr-ttl", "ttl", "500", "stream", "1", "count", "3", "size", "700")
	t.Act(a, "pr-ttl", "ttl", "500", "stream", "2", "count", "3", "size", "700")
	t.Sleep(settle)
	all := unread(a)
	last := highest(t, all)
	ssn = map[uint16]wire.SSN{}
	for _, d := range all {
		ssn[d.Stream] = max(ssn[d.Stream], d.SSN)
	}
	if len(ssn) != 2 {
		t.Inconclusive("S has sent on %d streams at once, not on 2", len(ssn))
	}
	f = forwardIn(a.ExpectWithin(most, skipping(last)))
	if f.NewCumTSN != last {
		t.Inconclusive("S skips more than it has sent")
	}
	return f, ssn
}
