// SPDX-License-Identifier: Apache-2.0

package rfc4820

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// padded sends a packet with PAD chunks before a HEARTBEAT, which is answered as if it were alone.
func padded(pads ...[]byte) func(*conformance.T) {
	return func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		info := []byte("after the padding")
		a.Send(append(pads, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info))...)
		a.Expect(tester.HeartbeatAck(info))
		for _, p := range t.Packets() {
			t.Check(!p.In || p.Has(wire.ChunkError) == nil, "no ERROR", "%v", p)
		}
		a.ExpectNone(tester.Is(wire.ChunkError, wire.ChunkAbort))
	}
}

// Section 3, Padding Chunk (PAD).
var section3 = []conformance.Case{
	{ID: "4820/3/1", Run: padded(wire.AppendPad(nil, 100))},
	{ID: "4820/3/2", Run: padded(
		wire.AppendChunk(nil, wire.ChunkPad, 0xff, bytes.Repeat([]byte{0xa5, 0x03, 0xff, 0x00}, 20)),
		wire.AppendPad(nil, 4),
	)},
}
