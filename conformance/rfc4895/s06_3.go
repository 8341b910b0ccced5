// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.3, Receiving Authenticated Chunks.
var section6_3 = []conformance.Case{
	{ID: "4895/6.3/1", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		var chunk []byte
		switch types := a.PeerAuthChunks(); {
		case slices.Contains(types, wire.ChunkData):
			chunk = a.Data(0, []byte("not authenticated"))
		case slices.Contains(types, wire.ChunkAsconf):
			asconf := wire.Asconf{Seq: wire.Seq(a.Setup.TSN), Address: a.Addr(0).Addr(), Params: wire.AppendSetPrimary(nil, 1, a.Addr(0).Addr())}
			chunk = asconf.Append(nil)
		default:
			t.Inconclusive("S wants neither DATA nor ASCONF authenticated, but %v", types)
		}
		raw(a, chunk)
		a.ExpectNone(tester.Is(wire.ChunkSack, wire.ChunkAsconfAck, wire.ChunkError, wire.ChunkAbort))
		a.ExpectAlive()
	}},
	{ID: "4895/6.3/2", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		ignored(t, a, flipBit)
	}},
	{ID: "4895/6.3/3", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		beat := heartbeat(t, a, "beat")
		raw(a, a.AuthChunk(unlisted, beat), beat)
		a.ExpectNone(tester.HeartbeatAck([]byte("beat")))
	}},
	{ID: "4895/6.3/4", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		beat := heartbeat(t, a, "beat")
		raw(a, a.AuthChunk(unlisted, beat), beat)
		c := a.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseUnsupportedHMAC))
		x := tester.CauseOf(c, wire.CauseUnsupportedHMAC)
		t.Check(bytes.Equal(x.Value, binary.BigEndian.AppendUint16(nil, unlistedID)), "the HMAC identifier in the cause", "%x", x.Value)
	}},
	{ID: "4895/6.3/5", Run: func(t *conformance.T) {
		a := asking(t, wire.ChunkHeartbeatAck)
		ignored(t, a, func(c *wire.Auth) { c.KeyID = 4242 })
	}},
	{ID: "4895/6.3/6", Run: func(t *conformance.T) {
		a, _ := offered(t)
		echo, data := wire.AppendCookieEcho(nil, a.Cookie), a.Data(0, []byte("with the cookie"))
		raw(a, a.AuthChunk(nil, echo, data), echo, data)
		a.ExpectAll(tester.Is(wire.ChunkCookieAck), tester.SackOf(a.NextTSN-1, nil))
	}},
	{ID: "4895/6.3/7", Run: func(t *conformance.T) {
		a, _ := offered(t)
		echo := wire.AppendCookieEcho(nil, a.Cookie)
		raw(a, a.AuthChunk(flipBit, echo), echo)
		a.ExpectNone(tester.Is(wire.ChunkCookieAck))
		if !slices.Contains(a.PeerAuthChunks(), wire.ChunkCookieEcho) {
			raw(a, echo)
			a.ExpectCookieAck()
		}
	}},
	{ID: "4895/6.3/8", Run: func(t *conformance.T) {
		offered(t) // it authenticates
		a := t.Assoc(tester.Setup{})
		a.PeerTag = 0x12345678
		aborted := tester.Is(wire.ChunkAbort).Where("with the T bit and the tag of the packet", func(c *tester.Chunk) bool {
			return c.Flags&wire.FlagT != 0 && c.Packet.Header.Tag == a.PeerTag
		})
		data := a.Data(0, []byte("out of the blue"))
		raw(a, data)
		if a.Next(t.Wait(), aborted) == nil {
			t.Inconclusive("S does not answer what is out of the blue; seen: %s", a.Seen())
		}
		raw(a, a.AuthChunk(nil, data), data)
		a.Expect(aborted)
		abort := wire.AppendAbort(nil, false, nil)
		raw(a, a.AuthChunk(nil, abort), abort)
		a.ExpectSilence()
	}},
	{ID: "4895/6.3/9", Run: func(t *conformance.T) {
		a, _ := offered(t)
		t.Check(len(a.Cookie) > 0 && !bytes.Contains(a.Cookie, []byte(pairKey)), "no shared key in the State Cookie", "it is in there: %x", a.Cookie)
	}},
}

// pairKey is the endpoint pair shared key of "cfg:auth-key".
const pairKey = "0123456789abcdef0123456789ABCDEF"

const unlistedID = 0x7009

// unlisted makes an AUTH chunk of an algorithm that there is not.
func unlisted(c *wire.Auth) { c.HMACID = unlistedID }

// ignored sends a HEARTBEAT after an AUTH chunk that is wrong.
func ignored(t *conformance.T, a *tester.Assoc, change func(*wire.Auth)) {
	beat := heartbeat(t, a, "beat")
	raw(a, a.AuthChunk(change, beat), beat)
	a.ExpectNone(tester.Is(wire.ChunkHeartbeatAck, wire.ChunkError, wire.ChunkAbort))
	a.ExpectAlive()
}
