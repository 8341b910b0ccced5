// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
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
}
