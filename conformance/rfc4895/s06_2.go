// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.2, Sending Authenticated Chunks.
var section6_2 = []conformance.Case{
	{ID: "4895/6.2/1", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkSack, wire.ChunkHeartbeatAck)
		for range 4 {
			a.ExpectSack(a.SendData(0, []byte("echo")))
			a.Expect(a.Beat(tester.Out{}))
		}
		for _, p := range t.Packets() {
			for _, c := range p.Chunks {
				if p.In && (c.Type == wire.ChunkSack || c.Type == wire.ChunkHeartbeatAck) {
					authOf(t, c)
				}
			}
		}
	}},
	{ID: "4895/6.2/2", Run: func(t *conformance.T) {
		id := beaten(t, asking(t, wire.ChunkHeartbeatAck)).KeyID
		t.Check(id == 0, "Shared Key Identifier 0", "%d", id)
	}},
	{ID: "4895/6.2/3", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		for n := 5; n <= 8; n++ {
			info := []byte("12345678")[:n]
			a.Send(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info))
			c := authOf(t, a.Expect(tester.HeartbeatAck(info)))
			wrong := a.CheckAuth(c)
			t.Check(wrong == "", "the HMAC over the chunks and their padding", "%s: %v", wrong, c.Packet)
		}
	}},
}
