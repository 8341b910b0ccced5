// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.2, Upon Reception of an ASCONF Chunk.
var section5_2 = []conformance.Case{
	{ID: "5061/5.2/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Send(asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr())))
		acked(a, 0)
	}},
	{ID: "5061/5.2/2", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Send(asconf(a, 7, wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr())))
		a.ExpectNone(tester.Is(wire.ChunkAsconfAck))
		a.ExpectAlive()
	}},
	{ID: "5061/5.2/3", Run: func(t *conformance.T) {
		a := together(t, 0)
		chunk := asconf(a, 0, wire.AppendDeleteIP(nil, 1, a.Addr(0).Addr()))
		a.Send(chunk)
		one, _ := acked(a, 0)
		a.Send(chunk)
		two, _ := acked(a, 0)
		t.Check(bytes.Equal(one.Raw, two.Raw), "the same ASCONF-ACK again", "%v, then %v", one.Packet, two.Packet)
	}},
	{ID: "5061/5.2/4", Run: func(t *conformance.T) {
		a := together(t, 0)
		chunk := asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr()))
		beat := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("after"))
		a.Send(a.AuthChunk(func(c *wire.Auth) { c.HMAC[0] ^= 1 }, chunk, beat), chunk, beat)
		a.ExpectNone(tester.Is(wire.ChunkAsconfAck, wire.ChunkHeartbeatAck))
		a.ExpectAlive()
	}},
	{ID: "5061/5.2/5", Run: func(t *conformance.T) {
		a := together(t, 0, 1)
		second := a.Addr(1).Addr()
		sent := time.Now()
		a.Send(asconf(a, 0, wire.AppendDeleteIP(nil, 1, second), wire.AppendAddIP(nil, 2, second)))
		done(t, a, 0)
		t.Check(probed(t, 1, sent), "a HEARTBEAT to the address that was added again", "none")
		a.Expect(a.Beat(tester.Out{From: tester.Ptr(1)}))
	}},
	{ID: "5061/5.2/6", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Send(asconf(a, 0, wire.AppendParam(nil, 0xc0fe, []byte{0, 0, 0, 1, 1, 2, 3, 4})))
		refused(t, a, 0, wire.CauseUnrecognizedParams)
	}},
	{ID: "5061/5.2/7", Run: func(t *conformance.T) {
		a := together(t, 0)
		only := a.Addr(0).Addr()
		a.Send(asconf(a, 0, wire.AppendDeleteIP(nil, 1, only), wire.AppendDeleteIP(nil, 2, only)))
		ack, responses := acked(a, 0)
		t.Check(len(responses) > 0, "responses to requests that fail", "none: %v", ack.Packet)
		for i, r := range responses {
			t.Check(r.ID == uint32(i+1), "each response with the Correlation ID of its request", "response %d has %d", i+1, r.ID)
		}
	}},
	{ID: "5061/5.2/8", Run: func(t *conformance.T) {
		a := together(t, 0, 1)
		a.SendFrom(1, asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr())))
		ack, _ := acked(a, 0)
		t.Check(ack.Packet.Local == 1, "the ASCONF-ACK at the second address", "%v", ack.Packet)
	}},
}
