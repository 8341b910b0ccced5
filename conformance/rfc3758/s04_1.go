// SPDX-License-Identifier: Apache-2.0

package rfc3758

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 4.1, PR-SCTP Service Definition for "timed reliability".
var section4_1 = []conformance.Case{
	{ID: "3758/4.1/1", Run: func(t *conformance.T) {
		a := t.Dial(partial)
		t.NeedForwardTSN(a)
		a.Auto.Sack = false
		t.Act(a, "send", "size", "20")
		d, _ := a.ExpectData()
		sack(a, d.TSN, 0)
		t.Sleep(settle)
		// One DATA chunk may be in flight in spite of the window: it is another message.
		t.Act(a, "send", "size", "20")
		probe := a.Next(most, tester.Is(wire.ChunkData).Where("that probes the window", func(c *tester.Chunk) bool { return a.DataIn(c).TSN == d.TSN+1 }))
		if probe == nil {
			t.Inconclusive("S does not probe the closed window")
		}
		t.Act(a, "pr-ttl", "ttl", "500", "stream", "2", "size", "20")
		t.Sleep(2 * time.Second)
		sack(a, d.TSN+1, 65536)
		t.Sleep(settle)
		a.Auto.Sack = true
		t.Act(a, "send", "size", "20", "stream", "1")
		next := a.Expect(tester.Is(wire.ChunkData).Where("after the one that probed", func(c *tester.Chunk) bool { return (d.TSN + 1).Less(a.DataIn(c).TSN) }))
		n := a.DataIn(next)
		t.Check(n.Stream == 1 && n.TSN == d.TSN+2, "the next message with the next TSN", "TSN %d on stream %d, not %d on stream 1", n.TSN, n.Stream, d.TSN+2)
		a.ExpectNone(tester.Is(wire.ChunkData).Where("on stream 2", func(c *tester.Chunk) bool { return a.DataIn(c).Stream == 2 }))
	}},
}
