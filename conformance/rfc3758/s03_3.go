// SPDX-License-Identifier: Apache-2.0

package rfc3758

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3, Negotiation of Forward-TSN-Supported parameter, and its subsections.
var section3_3 = []conformance.Case{
	{ID: "3758/3.3.2/1", Run: func(t *conformance.T) {
		a := t.Assoc(partial)
		a.SendInit()
		ok := false
		for _, p := range tester.InitParams(a.InitOf(a.ExpectInitAck())) {
			if p.Type == wire.ParamForwardTSN || p.Type == wire.ParamUnrecognized && bytes.HasPrefix(p.Value, []byte{0xc0, 0}) {
				ok = true
			}
		}
		t.Check(ok, "Forward-TSN-Supported in the INIT ACK, or reported there as unrecognized", "neither")
	}},
	{ID: "3758/3.3.2/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		if a.PeerParam(wire.ParamForwardTSN) != nil || a.PeerSupports(wire.ChunkForwardTSN) {
			t.Inconclusive("S announces FORWARD TSN")
		}
		n := a.TSN()
		forward(a, n)
		a.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseUnrecognizedChunk))
		a.SendData(0, []byte("after the gap"))
		a.Expect(tester.Is(wire.ChunkSack).Where("with Cumulative TSN Ack unmoved", func(c *tester.Chunk) bool { return a.SackIn(c).CumTSNAck == n-1 }))
	}},
	{ID: "3758/3.3.2/3", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.Auto.Sack = false
		t.Act(a, "pr-ttl", "ttl", "500", "count", "3", "size", "700")
		a.ExpectData()
		a.ExpectNoneFor(15*time.Second, tester.Is(wire.ChunkForwardTSN))
	}},
}
