// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"fmt"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 12.4, Protection of Non-SCTP-Capable Hosts.
var section12_4 = []conformance.Case{
	{ID: "9260/12.4/1", Run: func(t *conformance.T) {
		var heartbeats, unknown [][]byte
		for i := range 30 {
			info := bytes.Repeat([]byte(fmt.Sprint(i%10)), 40)
			heartbeats = append(heartbeats, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info))
			unknown = append(unknown, wire.AppendChunk(nil, 0xfe, 0, info))
		}
		a := t.Establish(tester.Setup{})
		for _, chunks := range [][][]byte{heartbeats, unknown} {
			t.Sleep(settle)
			before := len(packetsOf(t, a))
			a.Send(chunks...)
			t.Sleep(t.Quiet())
			n := 0
			for _, p := range packetsOf(t, a)[before:] {
				for _, c := range p.Chunks {
					if c.Type == wire.ChunkHeartbeatAck || c.Type == wire.ChunkError || c.Type == wire.ChunkAbort {
						n++
						break
					}
				}
			}
			t.Check(n <= 1, "at most one packet of answers", "%d packets", n)
		}
		a.ExpectAlive()
	}},
	{ID: "9260/12.4/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		sack(a, a.Peer.InitialTSN+1000, 65535)
		a.Expect(tester.Is(wire.ChunkAbort))
		a.ExpectGone()
	}},
}
