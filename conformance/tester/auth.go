// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// authState is what RFC 4895 needs on the tester's side.
type authState struct {
	ours, theirs []byte // key vectors
	chunks       []wire.ChunkType
	hmac         wire.HMACID
	random       []byte
}

// params are RANDOM, CHUNKS and HMAC-ALGO, and keeps the key vector they make.
func (s *authState) params(a *Assoc) (params []byte) {
	if s.random == nil {
		s.random = make([]byte, 32)
		for i := range s.random {
			s.random[i] = byte(a.r.cfg.Rand.Uint32())
		}
	}
	ids := a.Setup.HMACs
	if ids == nil {
		ids = []wire.HMACID{wire.HMACSHA1, wire.HMACSHA256}
	}
	all := [][]byte{wire.AppendRandom(nil, s.random)}
	// RFC 5061, Section 4.1.1: ASCONF "MUST be sent in an authenticated way"; who offers it without asking for that may be refused.
	chunks := a.Setup.AuthChunks
	for _, c := range []wire.ChunkType{wire.ChunkAsconf, wire.ChunkAsconfAck} {
		if slices.Contains(a.Setup.Extensions, c) && !slices.Contains(chunks, c) {
			chunks = append(slices.Clip(chunks), c)
		}
	}
	if chunks != nil {
		all = append(all, wire.AppendChunkList(nil, chunks...))
	}
	all = append(all, wire.AppendHMACAlgo(nil, ids...))
	s.ours = nil
	for _, b := range all {
		params = append(params, b...)
		p, _, _ := wire.NextParam(b)
		s.ours = append(s.ours, p.Raw...)
	}
	return params
}

// learn takes S's parameters.
func (s *authState) learn(a *Assoc) {
	s.theirs = KeyVector(a.Peer)
	if s.theirs == nil {
		return
	}
	if chunks := a.PeerParam(wire.ParamChunkList); chunks != nil {
		s.chunks, _ = chunks.ChunkTypes(nil)
	}
	ids, _ := a.PeerParam(wire.ParamHMACAlgo).HMACAlgos(nil)
	for _, id := range ids {
		if id.Size() > 0 {
			s.hmac = id
			break
		}
	}
}

// HasAuth reports whether both sides have said that they authenticate.
func (a *Assoc) HasAuth() bool { return a.Setup.Auth && a.auth.theirs != nil }

// PeerAuthChunks are the chunk types that S must get authenticated.
func (a *Assoc) PeerAuthChunks() []wire.ChunkType { return a.auth.chunks }

// KeyVector is what an INIT or INIT ACK puts into the association shared key, RANDOM, CHUNKS and HMAC-ALGO; nil if its
// sender does not authenticate. RFC 4895, Section 6.1: "These parameters include the parameter type, parameter length, and
// the parameter value, but padding is omitted".
func KeyVector(in wire.Init) []byte {
	raw := map[wire.ParamType][]byte{}
	for _, p := range InitParams(in) {
		if raw[p.Type] == nil {
			raw[p.Type] = p.Raw
		}
	}
	if raw[wire.ParamRandom] == nil || raw[wire.ParamHMACAlgo] == nil {
		return nil
	}
	return slices.Concat(raw[wire.ParamRandom], raw[wire.ParamChunkList], raw[wire.ParamHMACAlgo])
}

// AuthKey is the association shared key made with an endpoint pair shared key.
func (a *Assoc) AuthKey(pair []byte) []byte { return SharedKey(pair, a.auth.ours, a.auth.theirs) }

// SharedKey is the association shared key of two key vectors. RFC 4895, Section 6.1: "selecting the numerically smaller key
// vector and concatenating it to the endpoint pair shared key, and then concatenating the numerically larger key vector to
// that".
func SharedKey(pair, one, two []byte) []byte {
	x, y := bytes.TrimLeft(one, "\x00"), bytes.TrimLeft(two, "\x00")
	if len(x) > len(y) || len(x) == len(y) && (bytes.Compare(x, y) > 0 || bytes.Equal(x, y) && len(one) > len(two)) {
		one, two = two, one
	}
	return slices.Concat(pair, one, two)
}

// Mac is the HMAC of data with a key.
func Mac(id wire.HMACID, key, data []byte) []byte {
	f := func() hash.Hash { return sha1.New() }
	if id == wire.HMACSHA256 {
		f = sha256.New
	}
	h := hmac.New(f, key)
	h.Write(data)
	return h.Sum(nil)
}

// Sign puts the HMAC into an AUTH chunk that has all else, for the chunks that follow it.
func Sign(c *wire.Auth, key []byte, chunks ...[]byte) {
	c.HMAC = make([]byte, c.HMACID.Size())
	data := c.Append(nil)
	for _, b := range chunks {
		data = append(data, b...)
	}
	c.HMAC = Mac(c.HMACID, key, data)
}

// AuthChunk is an AUTH chunk with the null key for the chunks that follow it in the packet. change, if not nil, alters it
// when it is done.
func (a *Assoc) AuthChunk(change func(*wire.Auth), chunks ...[]byte) []byte {
	return a.AuthChunkWith(nil, 0, change, chunks...)
}

// AuthChunkWith is AuthChunk with an endpoint pair shared key and its identifier.
func (a *Assoc) AuthChunkWith(pair []byte, id uint16, change func(*wire.Auth), chunks ...[]byte) []byte {
	algo := a.auth.hmac
	if algo == 0 {
		algo = wire.HMACSHA1
	}
	c := wire.Auth{KeyID: id, HMACID: algo}
	Sign(&c, a.AuthKey(pair), chunks...)
	if change != nil {
		change(&c)
	}
	return c.Append(nil)
}

// authenticate puts an AUTH chunk before the first chunk that S must get authenticated, if there is one.
func (a *Assoc) authenticate(chunks [][]byte) [][]byte {
	if !a.HasAuth() {
		return chunks
	}
	for i, c := range chunks {
		if len(c) == 0 {
			continue
		}
		if wire.ChunkType(c[0]) == wire.ChunkAuth {
			return chunks
		}
		if containsType(a.auth.chunks, wire.ChunkType(c[0])) {
			return slices.Insert(slices.Clone(chunks), i, a.AuthChunk(nil, chunks[i:]...))
		}
	}
	return chunks
}

// CheckAuth says what is wrong with the AUTH chunk of a packet of S, computed with the null key; nothing if it is right.
func (a *Assoc) CheckAuth(c *Chunk) (wrong string) {
	au, err := wire.ParseAuth(c.Chunk)
	if err != nil {
		return err.Error()
	}
	if au.HMACID.Size() == 0 {
		return "unknown HMAC identifier"
	}
	p := c.Packet.Data
	// The chunks of a packet are views of it: find where this one begins.
	off := wire.HeaderLen
	for _, before := range c.Packet.Chunks[:c.Index] {
		off += (len(before.Raw) + 3) &^ 3
	}
	data := slices.Clone(p[off:])
	clear(data[wire.AuthHeaderLen : wire.AuthHeaderLen+len(au.HMAC)])
	if !hmac.Equal(Mac(au.HMACID, a.AuthKey(nil), data), au.HMAC) {
		return "the HMAC is not that of the association shared key"
	}
	return ""
}
