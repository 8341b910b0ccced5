// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"slices"

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
