// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"bytes"

	"github.com/rserpool/rserpool/sctp/wire"
)

// authMutants break RFC 4895.
var authMutants = []Mutant{
	{Name: "two AUTH chunks in a packet", Caught: []string{"4895/5.1/1"}, New: outgoing(func(p *Pkt) []*Pkt {
		if p.Has(wire.ChunkAuth) {
			p = p.Clone()
			p.Raw, p.Chunks = nil, append(p.Chunks[:1:1], p.Chunks...)
		}
		return Only(p)
	})},
	{Name: "wrong HMACs are sent", Caught: []string{"4895/6.1/7", "4895/6.1/8", "4895/6.2/3", "5061/4.1.2/1"}, New: changedAuth(func(c *wire.Auth) { c.HMAC[0] ^= 1 })},
	{Name: "AUTH chunks are left out", Caught: []string{"4895/6.2/1", "4895/3.2/2"}, New: without(wire.ChunkAuth)},
	{Name: "another shared key identifier", Caught: []string{"4895/6.2/2"}, New: signedAuth(func(c *wire.Auth) { c.KeyID = 1 })},
	{Name: "the preferred HMAC algorithm does not count", Caught: []string{"4895/6.1/5"}, New: signedAuth(func(c *wire.Auth) { c.HMACID = wire.HMACSHA256 })},
	{Name: "RANDOM is no random number", Caught: []string{"4895/6.1/1"}, New: changedInitParam(wire.ParamRandom, func(v []byte) { clear(v) })},
	{Name: "no SHA-1 in HMAC-ALGO", Caught: []string{"4895/6.1/4"}, New: changedInitParam(wire.ParamHMACAlgo, func(v []byte) {
		for i := 1; i < len(v); i += 2 {
			v[i] = byte(wire.HMACSHA256)
		}
	})},
	{Name: "INIT ACK in CHUNKS", Caught: []string{"4895/3.2/1"}, New: changedInitParam(wire.ParamChunkList, func(v []byte) { v[0] = byte(wire.ChunkInitAck) })},
	{Name: "two RANDOM parameters", Caught: []string{"4895/3.1/1"}, New: outgoingInit(func(in *wire.Init) {
		in.Params = wire.AppendRandom(padded(in.Params), make([]byte, 32))
	})},
	{Name: "two HMAC-ALGO parameters", Caught: []string{"4895/3.3/1"}, New: outgoingInit(func(in *wire.Init) {
		in.Params = wire.AppendHMACAlgo(padded(in.Params), wire.HMACSHA1)
	})},
	{Name: "what is wrongly authenticated is taken", Caught: []string{"4895/5.1/3", "4895/6.3/2", "4895/6.3/3", "4895/6.3/5", "4895/6.3/7"}, New: incoming(func(p *Pkt) *Pkt {
		if p.Has(wire.ChunkHeartbeat) || p.Has(wire.ChunkCookieEcho) {
			return p.Without(wire.ChunkAuth)
		}
		return p
	})},
	{Name: "a short RANDOM is no error", Caught: []string{"4895/6.1/2", "4895/6.1/3"}, New: incomingInit(func(in *wire.Init) {
		for p, err := range wire.Params(in.Params) {
			if err == nil && p.Type == wire.ParamRandom && len(p.Value) != 32 {
				in.Params = withoutParam(in.Params, wire.ParamRandom)
			}
		}
	})},
	{Name: "no ERROR to an unknown HMAC identifier", Caught: []string{"4895/6.3/4"}, New: without(wire.ChunkError)},
	{Name: "AUTH flags must be 0", Caught: []string{"4895/5.1/2"}, New: incoming(func(p *Pkt) *Pkt {
		for _, c := range p.Chunks {
			if c.Type == wire.ChunkAuth && c.Flags != 0 {
				return nil
			}
		}
		return p
	})},
}

// changedAuth is a middlebox that changes the AUTH chunks that S sends.
func changedAuth(change func(*wire.Auth)) func() Middlebox {
	return outbound(wire.ChunkAuth, func(c wire.Chunk) []byte {
		auth, err := wire.ParseAuth(c)
		if err != nil {
			return Same(c)
		}
		auth.HMAC = bytes.Clone(auth.HMAC)
		change(&auth)
		return auth.Append(nil)
	})
}

// changedInitParam is a middlebox that changes the value of a parameter of the INIT or INIT ACK of S.
func changedInitParam(t wire.ParamType, change func([]byte)) func() Middlebox {
	return outgoingInit(func(in *wire.Init) {
		in.Params = bytes.Clone(in.Params)
		for p, err := range wire.Params(in.Params) {
			if err == nil && p.Type == t {
				change(p.Value)
			}
		}
	})
}
