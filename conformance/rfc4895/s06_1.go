// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"bytes"
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.1, Establishment of an Association Shared Key.
var section6_1 = []conformance.Case{
	{ID: "4895/6.1/1", Run: func(t *conformance.T) {
		var before []byte
		for range 2 {
			_, in := offered(t)
			for _, p := range params(in, wire.ParamRandom) {
				t.Check(len(p.Value) == 32, "32 bytes", "%d", len(p.Value))
				t.Check(!bytes.Equal(p.Value, before), "another random number", "%x twice", before)
				before = p.Value
			}
		}
	}},
	{ID: "4895/6.1/2", Run: func(t *conformance.T) { shortRandom(t) }},
	{ID: "4895/6.1/3", Run: func(t *conformance.T) {
		c := shortRandom(t)
		t.Check(tester.CauseOf(c, wire.CauseProtocolViolation) != nil, "ABORT with cause 13 (Protocol Violation)", "%v", c.Packet)
	}},
	{ID: "4895/6.1/4", Run: func(t *conformance.T) {
		_, in := offered(t)
		for _, p := range params(in, wire.ParamHMACAlgo) {
			ids, err := p.HMACAlgos(nil)
			t.Check(err == nil && slices.Contains(ids, wire.HMACSHA1), "SHA-1 among the HMAC identifiers", "%v", ids)
		}
	}},
	{ID: "4895/6.1/5", Run: func(t *conformance.T) {
		for _, ids := range [][]wire.HMACID{{wire.HMACSHA1, wire.HMACSHA256}, {0x7009, wire.HMACSHA1}} {
			a := established(t, tester.Setup{Auth: true, AuthChunks: []wire.ChunkType{wire.ChunkHeartbeatAck}, HMACs: ids, Extensions: tester.AllExtensions})
			id := beaten(t, a).HMACID
			t.Check(id == wire.HMACSHA1, "SHA-1", "%v", id)
			a.Send(wire.AppendAbort(nil, false, nil))
		}
	}},
	{ID: "4895/6.1/6", Run: func(t *conformance.T) {
		var before []byte
		for n := range 2 {
			a := t.Dial(tester.Setup{Auth: true})
			t.NeedAuth(a)
			p := a.PeerParam(wire.ParamHMACAlgo)
			t.Check(n == 0 || bytes.Equal(p.Value, before), "the same HMAC identifiers", "%x, then %x", before, p.Value)
			before = p.Value
		}
	}},
	{ID: "4895/6.1/7", Run: func(t *conformance.T) {
		beaten(t, asking(t, wire.ChunkHeartbeatAck, wire.ChunkReconfig, wire.ChunkForwardTSN))
	}},
	{ID: "4895/6.1/8", Run: func(t *conformance.T) {
		for range 20 {
			a := asking(t, wire.ChunkHeartbeatAck)
			beaten(t, a)
			a.Send(wire.AppendAbort(nil, false, nil))
		}
	}},
}

// shortRandom sends an INIT with a RANDOM parameter of 16 bytes to a system that authenticates, and returns its ABORT.
func shortRandom(t *conformance.T) *tester.Chunk {
	offered(t)
	a := t.Assoc(tester.Setup{Params: bytes.Join([][]byte{
		wire.AppendRandom(nil, make([]byte, 16)),
		wire.AppendChunkList(nil, wire.ChunkHeartbeatAck, wire.ChunkAsconf, wire.ChunkAsconfAck, wire.ChunkReconfig),
		wire.AppendHMACAlgo(nil, wire.HMACSHA1, wire.HMACSHA256),
	}, nil)})
	a.SendInit()
	c := a.Expect(tester.Is(wire.ChunkAbort, wire.ChunkInitAck))
	t.Check(c.Type == wire.ChunkAbort, "ABORT", "%v", c.Packet)
	return c
}
