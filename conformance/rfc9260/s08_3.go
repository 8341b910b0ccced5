// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 8.3, Path Heartbeat.
var section8_3 = []conformance.Case{
	{ID: "9260/8.3/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		interval := time.Duration(t.Param("HB.interval", 30)) * time.Second
		lo := time.Duration(t.Param("RTO.Min", 1)) * time.Second
		hi := time.Duration(t.Param("RTO.Initial", 1)) * time.Second
		heartbeat := tester.Is(wire.ChunkHeartbeat)
		last := a.ExpectWithin(interval+3*hi+5*time.Second, heartbeat)
		// The first one may be of a kind of its own; the second one begins a period. Timers may be late on a busy host.
		for i := range 3 {
			c := a.ExpectWithin(interval+3*hi+5*time.Second, heartbeat)
			if d := c.Packet.Time.Sub(last.Packet.Time); i > 0 {
				t.Check(d >= interval+lo/2-atOnce && d <= (interval+hi*3/2)*13/10, "HEARTBEATs spaced HB.interval + RTO, give or take half of RTO", "%v", d)
			}
			last = c
		}
	}},
	{ID: "9260/8.3/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Expect(a.Beat(tester.Out{}))
	}},
	{ID: "9260/8.3/3", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.Auto.Sack = false
		a.SendData(0, []byte("echo"))
		d, _ := a.ExpectData()
		a.Send(wire.AppendShutdown(nil, d.TSN-1))
		t.Sleep(settle)
		a.Drain()
		a.Expect(a.Beat(tester.Out{}))
	}},
	{ID: "9260/8.3/4", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		value := wire.AppendParam(nil, 1, bytes.Repeat([]byte{0x5a}, 1000))
		value = wire.AppendParam(value, 0xbeef, []byte("a second TLV"))
		a.Send(wire.AppendChunk(nil, wire.ChunkHeartbeat, 0, value))
		c := a.ExpectWithin(atOnce, tester.Is(wire.ChunkHeartbeatAck))
		t.Check(bytes.Equal(c.Value, value), "both TLVs unchanged in the HEARTBEAT ACK", "%d bytes of %d: %v", len(c.Value), len(value), c.Chunk)
	}},
}
