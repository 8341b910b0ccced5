// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.6, Heartbeat Acknowledgement (HEARTBEAT ACK).
var section3_3_6 = []conformance.Case{
	{ID: "9260/3.3.6/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		info := make([]byte, 40)
		for i := range info {
			info[i] = byte(t.Rand().Uint32())
		}
		beat := heartbeat(0, info, 0)
		a.Send(beat)
		c := a.Expect(tester.Is(wire.ChunkHeartbeatAck))
		t.Check(bytes.Equal(c.Value, beat[wire.ChunkHeaderLen:]), "the Heartbeat Info parameter as it was sent", "%x, not %x", c.Value, beat[wire.ChunkHeaderLen:])
	}},
	{ID: "9260/3.3.6/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{ListAddrs: []int{0, 1}})
		a.Next(t.Quiet(), tester.Is(wire.ChunkHeartbeat).To(1)) // S may want to verify the path first
		a.Expect(a.Beat(tester.Out{From: tester.Ptr(1)}).To(1))
	}},
}
