// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An AuthKey is an endpoint pair shared key (RFC 4895, Section 6.1).
type AuthKey struct {
	ID     uint16 // Shared Key Identifier
	Secret []byte // empty for the null key
}

const (
	// authRandomLen: RFC 4895, Section 6.1: "The RANDOM parameter MUST contain a
	// 32-byte Random Number."
	authRandomLen = 32
	// maxAuthVector bounds what a cookie carries of the peer's parameters: a
	// RANDOM, a CHUNKS ("Its maximum length is 260 bytes", Section 3.2) and an
	// HMAC-ALGO of more algorithms than there are.
	maxAuthVector = 36 + 260 + 4 + 2*16
	// maxAuthKeys bounds the keys of an association.
	maxAuthKeys = 256
)

// A chunkSet is a set of chunk types.
type chunkSet [4]uint64

func (s *chunkSet) add(t wire.ChunkType)      { s[t>>6] |= 1 << (t & 63) }
func (s *chunkSet) del(t wire.ChunkType)      { s[t>>6] &^= 1 << (t & 63) }
func (s *chunkSet) has(t wire.ChunkType) bool { return s[t>>6]&(1<<(t&63)) != 0 }
func (s *chunkSet) empty() bool               { return *s == chunkSet{} }

// neverAuth are the types a CHUNKS parameter cannot ask for. RFC 4895, Section
// 3.2: "if a CHUNKS parameter is received then the types for INIT, INIT-ACK,
// SHUTDOWN-COMPLETE, and AUTH chunks MUST be ignored."
var neverAuth = []wire.ChunkType{wire.ChunkInit, wire.ChunkInitAck, wire.ChunkShutdownComplete, wire.ChunkAuth}

// An authConfig is what follows from Config for RFC 4895.
type authConfig struct {
	params   []byte // CHUNKS and HMAC-ALGO for INIT and INIT ACK, padded
	vector   []byte // the same for the key vector, without padding
	required chunkSet
}

// setAuth derives what INIT and INIT ACK say of authentication.
func (c *Config) setAuth() error {
	for _, h := range c.AuthHMACs {
		if h.Size() == 0 {
			return configError("AuthHMACs", "%v is not known", h)
		}
	}
	switch {
	case len(c.AuthHMACs) == 0:
		c.AuthHMACs = []wire.HMACID{wire.HMACSHA256, wire.HMACSHA1}
	case !slices.Contains(c.AuthHMACs, wire.HMACSHA1):
		// RFC 4895, Section 6.1: "The HMAC algorithm based on SHA-1 MUST be
		// supported and included in the HMAC-ALGO parameter."
		return configError("AuthHMACs", "SHA-1 is missing, which RFC 4895, Section 6.1, wants listed")
	}
	var types []wire.ChunkType
	for _, t := range c.AuthChunks {
		if slices.Contains(neverAuth, t) {
			return configError("AuthChunks", "%v chunks cannot be authenticated (RFC 4895, Section 3.2)", t)
		}
		if !c.auth.required.has(t) {
			c.auth.required.add(t)
			types = append(types, t)
		}
	}
	if c.announced.has(extAsconf) {
		for _, t := range []wire.ChunkType{wire.ChunkAsconf, wire.ChunkAsconfAck} {
			if !c.auth.required.has(t) {
				c.auth.required.add(t)
				types = append(types, t)
			}
		}
	}
	for i, k := range c.AuthKeys {
		if slices.ContainsFunc(c.AuthKeys[:i], func(o AuthKey) bool { return o.ID == k.ID }) {
			return configError("AuthKeys", "two keys have the identifier %d", k.ID)
		}
	}
	if len(c.AuthKeys) > maxAuthKeys {
		return configError("AuthKeys", "%d keys are more than %d", len(c.AuthKeys), maxAuthKeys)
	}
	if !c.hasAuthKey(c.AuthActiveKey) {
		return configError("AuthActiveKey", "there is no key %d", c.AuthActiveKey)
	}
	if c.NoAuth && (len(c.AuthChunks) > 0 || len(c.AuthKeys) > 0) {
		return configError("NoAuth", "there are AuthChunks or AuthKeys")
	}
	var chunks []byte
	if len(types) > 0 {
		chunks = wire.AppendChunkList(nil, types...)
	}
	algos := wire.AppendHMACAlgo(nil, c.AuthHMACs...)
	c.auth.params = append(slices.Clone(chunks), algos...)
	c.auth.vector = append(withoutPadding(chunks), withoutPadding(algos)...)
	return nil
}

func (c *Config) hasAuthKey(id uint16) bool {
	if len(c.AuthKeys) == 0 {
		return id == 0 // the null key
	}
	return slices.ContainsFunc(c.AuthKeys, func(k AuthKey) bool { return k.ID == id })
}

// withoutPadding returns a single parameter, or nothing, without its padding.
func withoutPadding(b []byte) []byte {
	p, _, err := wire.NextParam(b)
	if err != nil {
		return nil
	}
	return p.Raw
}

// appendAuth appends the parameters for an INIT or INIT ACK.
func (c *Config) appendAuth(b []byte, random *[authRandomLen]byte) []byte {
	b = wire.AppendRandom(b, random[:])
	return append(b, c.auth.params...)
}

// keyVector is the one of the endpoint with this configuration.
func (c *Config) keyVector(random *[authRandomLen]byte) []byte {
	v := wire.AppendRandom(make([]byte, 0, wire.ParamHeaderLen+authRandomLen+len(c.auth.vector)), random[:])
	return append(v, c.auth.vector...)
}

// A peerAuth is what a peer's INIT or INIT ACK says of authentication.
type peerAuth struct {
	random, chunks, hmacs []byte // its parameters, views, while they are read
	vector                []byte // its key vector
	hmac                  wire.HMACID
	wants                 chunkSet // to be authenticated by us
}

// take keeps a parameter. Of several the first counts.
func (p *peerAuth) take(prm wire.Param) {
	dst := &p.random
	switch prm.Type {
	case wire.ParamChunkList:
		dst = &p.chunks
	case wire.ParamHMACAlgo:
		dst = &p.hmacs
	}
	if *dst == nil {
		*dst = prm.Raw
	}
}

// finish makes the key vector of the parameters and tells whether the peer
// can authenticate. An error is to be answered with Protocol Violation.
func (p *peerAuth) finish(ours []wire.HMACID) (able bool, err error) {
	if p.random == nil {
		return false, nil
	}
	if len(p.random) != wire.ParamHeaderLen+authRandomLen {
		// RFC 4895, Section 6.1: "If the Random Number is not 32 bytes, the
		// association MUST be aborted. The ABORT chunk SHOULD contain the error cause
		// 'Protocol Violation'."
		return false, errors.New("RANDOM parameter is not of 32 bytes")
	}
	if p.hmacs == nil {
		return false, nil
	}
	if len(p.random)+len(p.chunks)+len(p.hmacs) > maxAuthVector {
		return false, errors.New("parameters of authentication are too long")
	}
	p.vector = slices.Concat(p.random, p.chunks, p.hmacs)
	return p.read(ours)
}

// read takes a key vector apart.
func (p *peerAuth) read(ours []wire.HMACID) (able bool, err error) {
	var buf [16]wire.HMACID
	for b := p.vector; len(b) > 0; {
		prm, _, err := wire.NextParam(b)
		if err != nil {
			return false, err
		}
		b = b[len(prm.Raw):]
		switch prm.Type {
		case wire.ParamChunkList:
			types, err := prm.ChunkTypes(nil)
			if err != nil {
				return false, err
			}
			for _, t := range types {
				p.wants.add(t)
			}
			for _, t := range neverAuth {
				p.wants.del(t)
			}
		case wire.ParamHMACAlgo:
			ids, err := prm.HMACAlgos(buf[:0])
			if err != nil {
				return false, errors.New("malformed HMAC-ALGO parameter")
			}
			// "The receiver of an HMAC-ALGO parameter SHOULD use the first listed
			// algorithm it supports."
			for _, id := range ids {
				if p.hmac == 0 && slices.Contains(ours, id) {
					p.hmac = id
				}
			}
		}
	}
	return p.hmac != 0, nil
}

// An authKey is a key of an association.
type authKey struct {
	AuthKey
	off  bool         // deactivated: not for sending
	macs [2]hash.Hash // SHA-1, SHA-256; made when needed
}

// An authState is the authentication of an association. It has effect once
// both sides are known to have the extension.
type authState struct {
	random [authRandomLen]byte // ours
	local  []byte              // key vectors
	peer   []byte
	hmac   wire.HMACID // to send with
	wants  chunkSet    // chunks the peer wants to be authenticated
	busy   bool        // others than ASCONF and ASCONF-ACK are among them
	keys   []*authKey
	active uint16
	heard  int // the key the peer used last, or -1
	sum    [wire.AuthHeaderLen + sha256.Size]byte
}

func (s *authState) init(c *Config) {
	if s.keys != nil {
		return
	}
	s.active = c.AuthActiveKey
	for _, k := range c.AuthKeys {
		s.keys = append(s.keys, &authKey{AuthKey: k})
	}
	if s.keys == nil {
		s.keys = []*authKey{{}}
	}
}

// setPeer begins authentication with the vectors of both.
func (s *authState) setPeer(c *Config, p *peerAuth) {
	s.init(c)
	s.local, s.peer = c.keyVector(&s.random), bytes.Clone(p.vector)
	s.hmac, s.wants = p.hmac, p.wants
	s.heard = 0 // the null key is no news
	if len(c.AuthKeys) > 0 {
		s.heard = -1
	}
	others := p.wants
	others.del(wire.ChunkAsconf)
	others.del(wire.ChunkAsconfAck)
	s.busy = !others.empty()
	for _, k := range s.keys {
		k.macs = [2]hash.Hash{}
	}
}

func (s *authState) key(id uint16) *authKey {
	for _, k := range s.keys {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// mac returns the keyed hash of a key.
func (s *authState) mac(k *authKey, id wire.HMACID) hash.Hash {
	i, h := 0, sha1.New
	if id == wire.HMACSHA256 {
		i, h = 1, sha256.New
	}
	if k.macs[i] == nil {
		k.macs[i] = hmac.New(h, associationKey(k.Secret, s.local, s.peer))
	}
	k.macs[i].Reset()
	return k.macs[i]
}

// associationKey: RFC 4895, Section 6.1: "selecting the numerically smaller key
// vector and concatenating it to the endpoint pair shared key, and then
// concatenating the numerically larger key vector to that. If the key vectors
// are equal as numbers but differ in length, then the concatenation order is
// the endpoint shared key, followed by the shorter key vector, followed by the
// longer key vector."
func associationKey(secret, v1, v2 []byte) []byte {
	n1, n2 := bytes.TrimLeft(v1, "\x00"), bytes.TrimLeft(v2, "\x00")
	order := len(n1) - len(n2)
	if order == 0 {
		order = bytes.Compare(n1, n2)
	}
	if order == 0 {
		order = len(v1) - len(v2)
	}
	if order > 0 {
		v1, v2 = v2, v1
	}
	return slices.Concat(secret, v1, v2)
}

// Errors of the commands that manage keys.
var (
	// ErrNoSuchKey: there is no shared key with the identifier.
	ErrNoSuchKey = errors.New("sctp: no such shared key")
	// ErrKeyInUse: the key is the active one, or was not deactivated before it is
	// to be deleted, or there are too many keys.
	ErrKeyInUse = errors.New("sctp: shared key is in use")
)

// SetAuthKey adds an endpoint pair shared key or replaces the one with the
// identifier (RFC 6458, Section 8.3.3). It is used for what is received at
// once, and for sending when it is activated.
func (a *Association) SetAuthKey(key AuthKey) error {
	s := &a.auth
	s.init(a.cfg)
	k := s.key(key.ID)
	if k == nil {
		if len(s.keys) >= maxAuthKeys {
			return fmt.Errorf("%w: there are %d already", ErrKeyInUse, len(s.keys))
		}
		k = new(authKey)
		s.keys = append(s.keys, k)
	}
	*k = authKey{AuthKey: AuthKey{key.ID, bytes.Clone(key.Secret)}}
	return nil
}

// ActivateAuthKey makes a key the one for sending (RFC 6458, Section 8.1.18).
// Everything sent from now on is authenticated with it, retransmissions too.
func (a *Association) ActivateAuthKey(id uint16) error {
	a.auth.init(a.cfg)
	k := a.auth.key(id)
	if k == nil {
		return fmt.Errorf("%w: %d", ErrNoSuchKey, id)
	}
	k.off = false
	a.auth.active = id
	return nil
}

// ActiveAuthKey returns the identifier of the key for sending.
func (a *Association) ActiveAuthKey() uint16 {
	a.auth.init(a.cfg)
	return a.auth.active
}

// DeactivateAuthKey says that a key which is not the active one will not be
// used for sending any more (RFC 6458, Section 8.3.4). The peer may still use
// it. EventAuthKey follows.
func (a *Association) DeactivateAuthKey(id uint16) error {
	a.auth.init(a.cfg)
	k := a.auth.key(id)
	switch {
	case k == nil:
		return fmt.Errorf("%w: %d", ErrNoSuchKey, id)
	case a.auth.active == id:
		return fmt.Errorf("%w: %d is the active one", ErrKeyInUse, id)
	}
	if !k.off {
		k.off = true
		a.event(EventAuthKey{ID: id, Indication: AuthKeyFree})
	}
	return nil
}

// DeleteAuthKey deletes a key that was deactivated (RFC 6458, Section 8.3.5).
// Chunks the peer authenticates with it are discarded from now on. Without the
// null key, which has the identifier 0, who has seen the handshake cannot forge
// chunks.
func (a *Association) DeleteAuthKey(id uint16) error {
	a.auth.init(a.cfg)
	k := a.auth.key(id)
	switch {
	case k == nil:
		return fmt.Errorf("%w: %d", ErrNoSuchKey, id)
	case !k.off:
		return fmt.Errorf("%w: %d was not deactivated", ErrKeyInUse, id)
	}
	a.auth.keys = slices.DeleteFunc(a.auth.keys, func(o *authKey) bool { return o == k })
	return nil
}

// PeerAuthChunks returns the chunk types that the peer wants authenticated, and
// whether authentication is used at all.
func (a *Association) PeerAuthChunks() (types []wire.ChunkType, ok bool) {
	for t := range 256 {
		if a.auth.wants.has(wire.ChunkType(t)) {
			types = append(types, wire.ChunkType(t))
		}
	}
	return types, a.ext.has(extAuth)
}

// An AuthIndication is what EventAuthKey reports (RFC 6458, Section 6.1.8).
type AuthIndication uint8

const (
	// AuthKeyNew: the peer has used the key for the first time, or again after
	// another one (SCTP_AUTH_NEW_KEY).
	AuthKeyNew AuthIndication = iota
	// AuthKeyFree: the key is not used for sending any more (SCTP_AUTH_FREE_KEY).
	AuthKeyFree
	// AuthUnsupported: the peer does not authenticate chunks (SCTP_AUTH_NO_AUTH).
	AuthUnsupported
)

func (i AuthIndication) String() string {
	switch i {
	case AuthKeyNew:
		return "new key"
	case AuthKeyFree:
		return "key is free"
	case AuthUnsupported:
		return "not supported by peer"
	}
	return "invalid"
}

// EventAuthKey tells of shared keys (RFC 6458, Section 6.1.8).
type EventAuthKey struct {
	ID         uint16
	Indication AuthIndication
}

func (EventAuthKey) event() {}

// AuthStats counts what RFC 4895 and RFC 5061 did. It is part of Stats.
type AuthStats struct {
	// AuthChunksSent counts packets with an AUTH chunk, AuthFailures those
	// received whose AUTH chunk has an unknown key or algorithm or does not
	// match, Unauthenticated the chunks discarded for want of one.
	AuthChunksSent, AuthFailures, Unauthenticated uint64
	// AsconfsSent counts ASCONF chunks, with retransmissions.
	AsconfsSent uint64
}
