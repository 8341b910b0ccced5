// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// offered sends an INIT with RANDOM, CHUNKS and HMAC-ALGO, and returns the INIT ACK of a system that authenticates.
func offered(t *conformance.T) (*tester.Assoc, wire.Init) {
	a := t.Assoc(tester.Setup{Auth: true, AuthChunks: []wire.ChunkType{wire.ChunkHeartbeatAck}, Extensions: tester.AllExtensions})
	a.SendInit()
	c := a.Next(t.Wait(), tester.Is(wire.ChunkInitAck))
	if c == nil {
		t.Inconclusive("the system under test has sent no INIT ACK; seen: %s", a.Seen())
	}
	t.NeedAuth(a)
	return a, a.InitOf(c)
}

// params are the parameters of a type.
func params(in wire.Init, typ wire.ParamType) (found []wire.Param) {
	for _, p := range tester.InitParams(in) {
		if p.Type == typ {
			found = append(found, p)
		}
	}
	return found
}

// asking is an association where T asks for authenticated chunks.
func asking(t *conformance.T, types ...wire.ChunkType) *tester.Assoc {
	return established(t, tester.Setup{Auth: true, AuthChunks: types, Extensions: tester.AllExtensions})
}

func established(t *conformance.T, s tester.Setup) *tester.Assoc {
	a := t.Establish(s)
	t.NeedAuth(a)
	return a
}

// authOf is the AUTH chunk before a chunk in its packet; that there is none is a failure.
func authOf(t *conformance.T, c *tester.Chunk) *tester.Chunk {
	for _, k := range c.Packet.Chunks[:c.Index] {
		if k.Type == wire.ChunkAuth {
			return k
		}
	}
	t.Fail("an AUTH chunk before the "+c.Type.String(), "%v", c.Packet)
	return nil
}

// beaten sends a HEARTBEAT and checks the AUTH chunk of the answer, which it returns.
func beaten(t *conformance.T, a *tester.Assoc) wire.Auth {
	c := authOf(t, a.Expect(a.Beat(tester.Out{})))
	wrong := a.CheckAuth(c)
	t.Check(wrong == "", "the right HMAC", "%s: %v", wrong, c.Packet)
	auth, _ := wire.ParseAuth(c.Chunk)
	return auth
}

// heartbeat is a HEARTBEAT chunk; a system that wants those authenticated makes the case inconclusive where T needs some that
// are not.
func heartbeat(t *conformance.T, a *tester.Assoc, info string) []byte {
	if slices.Contains(a.PeerAuthChunks(), wire.ChunkHeartbeat) {
		t.Inconclusive("S wants HEARTBEAT chunks authenticated")
	}
	return wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte(info))
}

// raw sends the chunks as they are.
func raw(a *tester.Assoc, chunks ...[]byte) { a.SendWith(tester.Out{NoAuth: true}, chunks...) }

func flipBit(c *wire.Auth) { c.HMAC[0] ^= 1 }
