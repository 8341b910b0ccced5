// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 12.3, SCTP Interactions with Firewalls.
var section12_3 = []conformance.Case{
	{ID: "9260/12.3/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendTag(t.Rand().Uint32()|1, a.InitChunk(wire.ChunkInit))
		a.ExpectNone(tester.Is(wire.ChunkInitAck)) // an ABORT is what Section 8.4 asks for
		t.Dial(tester.Setup{})                     // S is there
	}},
	{ID: "9260/12.3/2", Run: func(t *conformance.T) {
		for _, c := range [][]byte{data(), wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("heartbeat"))} {
			a := t.Assoc(tester.Setup{})
			a.SendTag(0, a.InitChunk(wire.ChunkInit), c)
			a.ExpectNone(tester.Is(wire.ChunkInitAck))
		}
		t.Dial(tester.Setup{})
	}},
}
