// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 4.1, New Chunk Types.
var section4_1 = []conformance.Case{
	{ID: "5061/4.1.1/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.SendWith(tester.Out{NoAuth: true}, asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr())))
		a.ExpectNone(tester.Is(wire.ChunkAsconfAck, wire.ChunkError, wire.ChunkAbort))
		a.ExpectAlive()
	}},
	{ID: "5061/4.1.2/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Send(asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr())))
		ack, _ := acked(a, 0)
		for _, c := range ack.Packet.Chunks[:ack.Index] {
			if c.Type == wire.ChunkAuth {
				wrong := a.CheckAuth(c)
				t.Check(wrong == "", "the right HMAC", "%s: %v", wrong, ack.Packet)
				return
			}
		}
		t.Fail("an AUTH chunk before the ASCONF-ACK", "%v", ack.Packet)
	}},
	{ID: "5061/4.1.2/2", Run: func(t *conformance.T) {
		a := together(t, 0)
		for n := range 3 {
			a.Send(asconf(a, n, wire.AppendSetPrimary(nil, uint32(n), a.Addr(0).Addr())))
			acked(a, n)
			t.Sleep(10 * time.Millisecond)
		}
	}},
}
