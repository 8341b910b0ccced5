// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.10, Bundling.
var section6_10 = []conformance.Case{
	{ID: "9260/6.10/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		for range 10 {
			a.Send(wire.AppendChunk(nil, 0xfe, 0, []byte("unknown")), wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("heartbeat")),
				a.Data(0, []byte("echo")), a.Data(beyond(a), []byte("no such stream")), a.Data(1, []byte("echo")))
			t.Sleep(20 * time.Millisecond)
			a.SendData(0, []byte("echo")) // a SACK that may wait
			t.Sleep(20 * time.Millisecond)
		}
		if a.Next(t.Wait(), tester.SackOf(a.NextTSN-1, nil)) == nil {
			t.Inconclusive("S does not acknowledge DATA behind an unknown chunk and a HEARTBEAT")
		}
		t.Sleep(settle)
		for _, p := range packetsOf(t, a) {
			data := false
			for _, c := range p.Chunks {
				data = data || c.Type == wire.ChunkData
				t.Check(!data || c.Type == wire.ChunkData, "no control chunk behind DATA", "%v", p)
			}
		}
	}},
	{ID: "9260/6.10/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.Auto.Sack = false
		for range 30 {
			a.SendData(0, []byte("echo"))
		}
		// S retransmits, and so it does again after what it has got in between.
		t.Sleep(8 * time.Second)
		a.SendSack()
		t.Sleep(8 * time.Second)
		for _, p := range packetsOf(t, a) {
			var last *wire.Data
			for _, c := range p.Chunks {
				if c.Type == wire.ChunkData {
					d := a.DataIn(c)
					t.Check(last == nil || last.TSN.Less(d.TSN), "DATA chunks in a packet in the order of their TSNs", "%v", p)
					last = &d
				}
			}
		}
	}},
	{ID: "9260/6.10/3", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		tsn := a.NextTSN
		partial := a.Fragments(0, 0, 0, []byte("this does not come whole"))[0]
		info := []byte("before the partial chunk")
		a.Send(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info), partial[:len(partial)-8])
		a.Expect(tester.HeartbeatAck(info))
		a.ExpectNone(sackCovering(a, tsn))
	}},
	{ID: "9260/6.10/4", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		first, second := []byte("heartbeat A"), []byte("heartbeat B")
		a.Send(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, first), wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, second))
		c := a.Expect(tester.Is(wire.ChunkHeartbeatAck))
		t.Check(tester.HeartbeatAck(first).OK(c), "the HEARTBEAT ACK for A first", "%v", c.Chunk)
		// That for B may be missing if S does not bundle (Section 12.4).
	}},
}
