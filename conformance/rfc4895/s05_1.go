// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.1, Authentication Chunk (AUTH).
var section5_1 = []conformance.Case{
	{ID: "4895/5.1/1", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkSack, wire.ChunkHeartbeatAck, wire.ChunkData)
		for range 4 {
			a.Send(heartbeat(t, a, "one"), heartbeat(t, a, "another"), a.Data(0, []byte("echo")))
			a.ExpectAll(tester.HeartbeatAck([]byte("another")), tester.SackOf(a.NextTSN-1, nil))
		}
		for _, p := range t.Packets() {
			n := 0
			for _, c := range p.Chunks {
				if c.Type == wire.ChunkAuth {
					n++
				}
			}
			t.Check(!p.In || n <= 1, "at most one AUTH chunk in a packet", "%v", p)
		}
	}},
	{ID: "4895/5.1/2", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		beat := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("flags"))
		auth := a.AuthChunk(nil, beat)
		c, _, _ := wire.NextChunk(auth)
		head, _ := wire.ParseAuth(c)
		auth[1] = 0xff
		clear(auth[wire.AuthHeaderLen:])
		copy(auth[wire.AuthHeaderLen:], tester.Mac(head.HMACID, a.AuthKey(nil), slices.Concat(auth, beat)))
		raw(a, auth, beat)
		a.Expect(tester.HeartbeatAck([]byte("flags")))
	}},
	{ID: "4895/5.1/3", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		one, two := heartbeat(t, a, "before"), heartbeat(t, a, "after")
		raw(a, one, a.AuthChunk(flipBit, two), two)
		a.Expect(tester.HeartbeatAck([]byte("before")))
		a.ExpectNone(tester.HeartbeatAck([]byte("after")))
	}},
}
