// SPDX-License-Identifier: Apache-2.0

package rfc3758

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.2, Forward Cumulative TSN Chunk Definition (FORWARD TSN).
var section3_2 = []conformance.Case{
	{ID: "3758/3.2/1", Run: func(t *conformance.T) {
		a := sender(t)
		t.Act(a, "pr-ttl", "ttl", "500", "stream", "1", "count", "2", "size", "700")
		t.Act(a, "pr-ttl", "ttl", "500", "stream", "2", "count", "3", "size", "700", "unordered", "1")
		t.Sleep(settle)
		all := unread(a)
		unordered := 0
		for _, d := range all {
			if d.Stream == 2 && d.Flags&wire.DataUnordered != 0 {
				unordered++
			}
		}
		if unordered == 0 {
			t.Inconclusive("S has sent no unordered message")
		}
		a.ExpectWithin(most, skipping(highest(t, all)))
		for _, p := range t.Packets() {
			if !p.In {
				continue
			}
			for _, c := range p.Chunks {
				if c.Type == wire.ChunkForwardTSN {
					for _, s := range forwardIn(c).Streams {
						t.Check(s.Stream != 2, "stream 2 in no FORWARD TSN: its messages are unordered", "it is listed with sequence number %d", s.SSN)
					}
				}
			}
		}
	}},
}
