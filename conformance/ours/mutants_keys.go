// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"slices"

	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// keyMutants break what RFC 4895 says of keys and algorithms, and of packets that belong to no association.
var keyMutants = []Mutant{
	{Name: "each association has another HMAC-ALGO", Caught: []string{"4895/6.1/6"},
		New: func() Middlebox {
			n := 0
			return changedInitParam(wire.ParamHMACAlgo, func(v []byte) {
				if n++; n%2 == 0 && len(v) == 4 {
					v[1], v[3] = v[3], v[1]
				}
			})()
		}},
	{Name: "RANDOM has 16 bytes", Caught: []string{"4895/6.1/1"},
		New: outgoingInit(func(in *wire.Init) {
			in.Params = wire.AppendRandom(padded(withoutParam(in.Params, wire.ParamRandom)), make([]byte, 16))
		})},
	{Name: "what must be authenticated need not be", Caught: []string{"4895/6.3/1", "5061/4.1.1/1", "5061/5.2/4"}, New: answeringAsconf},
	{Name: "an unauthenticated chunk is no silent matter", Caught: []string{"4895/6.3/1", "5061/4.1.1/1"},
		New: answering(func(p *Pkt) []byte {
			if p.Has(wire.ChunkAsconf) && !p.Has(wire.ChunkAuth) {
				return wire.AppendError(nil, wire.AppendProtocolViolation(nil, "no AUTH chunk"))
			}
			return nil
		})},
	{Name: "the rest of a packet is taken when its ASCONF is not", Caught: []string{"5061/5.2/4"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Has(wire.ChunkAsconf) && p.Has(wire.ChunkHeartbeat) {
				return p.Without(wire.ChunkAuth).Without(wire.ChunkAsconf)
			}
			return p
		})},
	{Name: "AUTH is no reason to answer out of the blue", Caught: []string{"4895/6.3/8"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Has(wire.ChunkAuth) && p.Has(wire.ChunkData) {
				return nil
			}
			return p
		})},
	{Name: "AUTH hides an ABORT out of the blue", Caught: []string{"4895/6.3/8"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Has(wire.ChunkAuth) {
				return p.Without(wire.ChunkAbort)
			}
			return p
		})},
	{Name: "the shared key is in the cookie", Caught: []string{"4895/6.3/9"},
		New: initAcks(func(params, _ []byte) []byte {
			return eachParam(params, func(p wire.Param) []byte {
				if p.Type == wire.ParamStateCookie {
					return wire.AppendStateCookie(nil, slices.Concat(p.Value, AuthKey))
				}
				return asIs(p)
			})
		})},
}

// answeringAsconf is a middlebox that answers every ASCONF, besides what S does.
func answeringAsconf() Middlebox {
	return answeringChunk(wire.ChunkAsconf, func(c wire.Chunk) []byte {
		x, _ := wire.ParseAsconf(c)
		ack := wire.AsconfAck{Seq: x.Seq}
		return ack.Append(nil)
	})()
}

// resigned is a middlebox that changes what S sends, or gets, and puts the HMAC of what it has changed right, made with the
// null key.
func resigned(out bool, change func(*Pkt) *Pkt) func() Middlebox {
	return func() Middlebox {
		var vectors [2][]byte // S's and T's
		pass := func(p *Pkt, side int, changes bool) []*Pkt {
			for _, c := range p.Chunks {
				if in, err := wire.ParseInit(c); err == nil && (c.Type == wire.ChunkInit || c.Type == wire.ChunkInitAck) {
					vectors[side] = tester.KeyVector(in)
				}
			}
			if !changes {
				return Only(p)
			}
			q := change(p)
			if q == p {
				return Only(p)
			}
			chunks := encoded(q)
			for i, c := range q.Chunks {
				if auth, err := wire.ParseAuth(c); c.Type == wire.ChunkAuth && err == nil {
					tester.Sign(&auth, tester.SharedKey(nil, vectors[0], vectors[1]), chunks[i+1:]...)
					chunks[i] = auth.Append(nil)
				}
			}
			return Only(q.With(chunks...))
		}
		return Middlebox{
			Out: func(p *Pkt) []*Pkt { return pass(p, 0, out) },
			In:  func(p *Pkt, _ func(*Pkt)) []*Pkt { return pass(p, 1, !out) },
		}
	}
}

// signedAuth is one that changes the AUTH chunks that S sends, all but their HMAC.
func signedAuth(change func(*wire.Auth)) func() Middlebox {
	return resigned(true, func(p *Pkt) *Pkt {
		if !p.Has(wire.ChunkAuth) {
			return p
		}
		return p.Map(func(c wire.Chunk) []byte {
			auth, err := wire.ParseAuth(c)
			if c.Type != wire.ChunkAuth || err != nil {
				return Same(c)
			}
			change(&auth)
			auth.HMAC = make([]byte, auth.HMACID.Size())
			return auth.Append(nil)
		})
	})
}
