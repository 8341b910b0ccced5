// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.2, Chunk List Parameter (CHUNKS).
var section3_2 = []conformance.Case{
	{ID: "4895/3.2/1", Run: func(t *conformance.T) {
		_, in := offered(t)
		for _, p := range params(in, wire.ParamChunkList) {
			t.Check(len(p.Raw) <= 260, "at most 260 bytes", "%d", len(p.Raw))
			for _, typ := range p.Value {
				switch wire.ChunkType(typ) {
				case wire.ChunkInit, wire.ChunkInitAck, wire.ChunkShutdownComplete, wire.ChunkAuth:
					t.Fail("none of INIT, INIT ACK, SHUTDOWN COMPLETE and AUTH in CHUNKS", "%v", wire.ChunkType(typ))
				}
			}
		}
	}},
	{ID: "4895/3.2/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{Auth: true, Extensions: tester.AllExtensions, AuthChunks: []wire.ChunkType{
			wire.ChunkInit, wire.ChunkInitAck, wire.ChunkShutdownComplete, wire.ChunkAuth, wire.ChunkHeartbeatAck}})
		t.NeedAuth(a)
		beaten(t, a)
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
		a.Send(wire.AppendShutdownComplete(nil, false))
		// Out of the blue now: the answer is a SHUTDOWN COMPLETE.
		a.Auto.Shutdown = false
		t.Sleep(t.Quiet())
		a.Drain()
		a.Send(wire.AppendShutdownAck(nil))
		if c := a.Next(t.Wait(), tester.Is(wire.ChunkShutdownComplete)); c != nil {
			t.Check(len(c.Packet.Chunks) == 1, "a SHUTDOWN COMPLETE alone", "%v", c.Packet)
		} else {
			t.Inconclusive("S sends no SHUTDOWN COMPLETE; seen: %s", a.Seen())
		}
	}},
}
