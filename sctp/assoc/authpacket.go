// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"crypto/hmac"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// addressChunk tells whether a chunk is never accepted and never sent without
// authentication. RFC 5061, Section 4.1.1: "This chunk MUST be sent in an
// authenticated way ... If this chunk is received unauthenticated it MUST be
// silently discarded".
func addressChunk(t wire.ChunkType) bool { return t == wire.ChunkAsconf || t == wire.ChunkAsconfAck }

// mustBeAuthenticated tells whether a received chunk counts only behind an AUTH
// chunk. RFC 4895, Section 6.3: "It MUST silently discard these chunks if they
// are not placed after an AUTH chunk in the packet."
func (a *Association) mustBeAuthenticated(t wire.ChunkType) bool {
	return a.ext.has(extAuth) && (a.cfg.auth.required.has(t) || addressChunk(t))
}

// needsAuth tells whether the peer wants a chunk to be authenticated. RFC 4895,
// Section 6.2: "Endpoints MUST send all requested chunks that have been
// authenticated where this has been requested by the peer."
func (a *Association) needsAuth(t wire.ChunkType) bool {
	return a.ext.has(extAuth) && (a.auth.wants.has(t) || addressChunk(t))
}

// authLen is the size of the AUTH chunks this side sends.
func (a *Association) authLen() int {
	if !a.ext.has(extAuth) {
		return 0
	}
	return wire.AuthHeaderLen + a.auth.hmac.Size()
}

// authReserve is the room every packet keeps for an AUTH chunk, if the peer
// wants more to be authenticated than the chunks of address reconfiguration.
func (a *Association) authReserve() int {
	if !a.auth.busy {
		return 0
	}
	return a.authLen()
}

// authenticate puts an AUTH chunk before the first chunk of a packet that needs
// one. RFC 4895, Section 5.1: "All control and data chunks that are placed after
// the AUTH chunk in the packet are sent in an authenticated way."
func (a *Association) authenticate(b []byte) []byte {
	at := a.firstToAuthenticate(b)
	k := a.auth.key(a.auth.active)
	if at < 0 || k == nil {
		return b
	}
	n := a.authLen()
	b = slices.Grow(b, n)[:len(b)+n]
	copy(b[at+n:], b[at:])
	auth := wire.Auth{KeyID: k.ID, HMACID: a.auth.hmac, HMAC: zeros[:a.auth.hmac.Size()]}
	auth.Append(b[:at])
	mac := a.auth.mac(k, a.auth.hmac)
	mac.Write(b[at:])
	copy(b[at+wire.AuthHeaderLen:], mac.Sum(a.auth.sum[:0]))
	a.stats.AuthChunksSent++
	return b
}

var zeros [64]byte

func (a *Association) firstToAuthenticate(b []byte) int {
	for rest := b[wire.HeaderLen:]; len(rest) > 0; {
		c, r, err := wire.NextChunk(rest)
		if err != nil {
			return -1
		}
		if a.needsAuth(c.Type) {
			return len(b) - len(rest)
		}
		rest = r
	}
	return -1
}

// handleAuth checks an AUTH chunk and what it covers (RFC 4895, Section 6.3).
// It tells whether to go on with the packet.
func (a *Association) handleAuth(p *path, c wire.Chunk, covered []byte) bool {
	auth, err := wire.ParseAuth(c)
	if err != nil {
		a.stats.BadPackets++
		return false
	}
	if !slices.Contains(a.cfg.AuthHMACs, auth.HMACID) {
		// "the AUTH chunk and all the chunks after it MUST be discarded and an ERROR
		// chunk SHOULD be sent with the error cause defined in Section 4.1."
		a.stats.AuthFailures++
		if p != nil {
			a.replyError(p, wire.AppendUnsupportedHMAC(nil, auth.HMACID))
		}
		return false
	}
	if !a.auth.verify(&auth, c, covered) {
		a.stats.AuthFailures++
		return false
	}
	if int(auth.KeyID) != a.auth.heard {
		a.auth.heard = int(auth.KeyID)
		if len(a.events) < maxPeerErrors {
			a.event(EventAuthKey{ID: auth.KeyID, Indication: AuthKeyNew})
		}
	}
	return true
}

// verify computes the HMAC again. "If no endpoint pair shared key has been
// configured for that Shared Key Identifier, all authenticated chunks MUST be
// silently discarded."
func (s *authState) verify(auth *wire.Auth, c wire.Chunk, covered []byte) bool {
	k := s.key(auth.KeyID)
	if k == nil || s.peer == nil {
		return false
	}
	mac := s.mac(k, auth.HMACID)
	mac.Write(c.Raw[:wire.AuthHeaderLen])
	mac.Write(zeros[:len(auth.HMAC)])
	mac.Write(covered)
	return hmac.Equal(mac.Sum(s.sum[:0]), auth.HMAC)
}

// afterAuth returns the chunk behind an AUTH chunk that begins a packet, if it
// is of the type.
func afterAuth(first wire.Chunk, rest []byte, t wire.ChunkType) (c wire.Chunk, ok bool) {
	if first.Type != wire.ChunkAuth {
		return c, false
	}
	c, _, err := wire.NextChunk(rest)
	return c, err == nil && c.Type == t
}

// verifyCookieEcho checks a packet with AUTH and COOKIE ECHO by the cookie.
// RFC 4895, Section 6.3: "the receiver MUST authenticate the chunks in the
// packet by using the RANDOM parameters, CHUNKS parameters and HMAC_ALGO
// parameters obtained from the COOKIE-ECHO chunk, and possibly a local shared
// secret".
func (c *stateCookie) verifyCookieEcho(cfg *Config, keys []*authKey, auth wire.Chunk, covered []byte) bool {
	var s authState
	p := c.peer(cfg)
	au, err := wire.ParseAuth(auth)
	if err != nil || !c.ext.has(extAuth) || !slices.Contains(cfg.AuthHMACs, au.HMACID) {
		return false
	}
	for _, k := range keys {
		s.keys = append(s.keys, &authKey{AuthKey: k.AuthKey})
	}
	s.random = c.random
	s.setPeer(cfg, &p.auth)
	return s.verify(&au, auth, covered)
}

// authenticateCookie checks a packet that begins with AUTH and COOKIE ECHO. "If
// the receiver has an STCB, it MUST process the AUTH chunk as described above
// using the STCB from the existing association". While the association is being
// set up the cookie has the same vectors, or those of a collision; when COOKIE
// ECHO need not be authenticated here, a peer that restarts may use the new
// ones for what it sends with it.
func (a *Association) authenticateCookie(now time.Time, first wire.Chunk, rest []byte, echo wire.Chunk) bool {
	if a.ext.has(extAuth) {
		if auth, err := wire.ParseAuth(first); err == nil && a.auth.verify(&auth, first, rest) {
			return true
		}
	}
	young := a.state == StateCookieWait || a.state == StateCookieEchoed
	if young || !a.mustBeAuthenticated(wire.ChunkCookieEcho) {
		a.auth.init(a.cfg)
		if cookie, ok := a.jar.open(now, echo.Value); ok && cookie.verifyCookieEcho(a.cfg, a.auth.keys, first, rest) {
			return true
		}
	}
	a.stats.AuthFailures++
	return false
}
