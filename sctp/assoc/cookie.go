// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A stateCookie is all a responder needs to build the association (RFC 9260,
// Section 5.1.3). It travels sealed: the peer can neither read nor forge it.
type stateCookie struct {
	created, expires time.Time
	local            netip.AddrPort // where the INIT arrived
	remote           netip.AddrPort // where it came from: the confirmed path
	localPort        uint16
	remotePort       uint16
	localTag         uint32 // our Initiate Tag
	remoteTag        uint32
	localTSN         wire.TSN
	remoteTSN        wire.TSN
	localTie         uint32 // Tie-Tags (Section 5.2.2), 0 if there was no TCB
	remoteTie        uint32
	arwnd            uint32 // of the peer
	outbound         uint16 // negotiated streams
	inbound          uint16
	ext              extensions
	random           [authRandomLen]byte // ours, if ext has extAuth
	auth             []byte              // the peer's key vector
	addrs            []netip.Addr        // of the peer, without remote's
	generation       uint16              // of the stack's addresses
}

const (
	cookieNonceLen = 12
	cookieKeyLen   = 16
	cookieFixedLen = 8 + 8 + 2*(16+2) + 2 + 2 + 4*7 + 2 + 2 + 2 + 2 + 1
	// secretLife is how long a secret is used. RFC 9260, Section 5.1.3: "The
	// secret key SHOULD be changed reasonably frequently (e.g., hourly)". The
	// last one stays good, so that a cookie outlives a change.
	secretLife = time.Hour
)

// A cookieJar seals and opens state cookies. The secret of each hour is
// derived from one random master key, so that a jar has no state to change
// and may be used by many.
type cookieJar struct {
	master [32]byte
	cfg    *Config
}

func newCookieJar(cfg *Config, rng *rand.Rand) *cookieJar {
	j := &cookieJar{cfg: cfg}
	for i := 0; i < len(j.master); i += 8 {
		binary.LittleEndian.PutUint64(j.master[i:], rng.Uint64())
	}
	return j
}

// aead returns the cipher with the secret of an epoch.
func (j *cookieJar) aead(epoch int64) cipher.AEAD {
	mac := hmac.New(sha256.New, j.master[:])
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(epoch))
	mac.Write(b[:])
	var sum [sha256.Size]byte
	block, err := aes.NewCipher(mac.Sum(sum[:0])[:cookieKeyLen])
	if err != nil {
		panic(err) // the key has the right length
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block size
	}
	return gcm
}

func epochOf(t time.Time) int64 { return t.UnixNano() / int64(secretLife) }

// seal returns the cookie as bytes: the low byte of the epoch, a nonce, and
// the sealed content.
func (j *cookieJar) seal(c *stateCookie, rng *rand.Rand) []byte {
	epoch := epochOf(c.created)
	out := make([]byte, 1+cookieNonceLen, 1+cookieNonceLen+cookieFixedLen+16*len(c.addrs)+authRandomLen+len(c.auth)+17)
	out[0] = byte(epoch)
	binary.LittleEndian.PutUint64(out[1:], rng.Uint64())
	binary.LittleEndian.PutUint32(out[9:], rng.Uint32())
	return j.aead(epoch).Seal(out, out[1:1+cookieNonceLen], c.append(make([]byte, 0, cookieFixedLen+16*len(c.addrs)+authRandomLen+len(c.auth))), out[:1])
}

// open authenticates a cookie and returns its content. It does not judge its
// age.
func (j *cookieJar) open(now time.Time, b []byte) (*stateCookie, bool) {
	if len(b) < 1+cookieNonceLen {
		return nil, false
	}
	epoch := epochOf(now)
	if b[0] != byte(epoch) {
		epoch--
		if b[0] != byte(epoch) {
			return nil, false // RFC 9260, Section 5.1.5, 1: secret not available anymore
		}
	}
	plain, err := j.aead(epoch).Open(nil, b[1:1+cookieNonceLen], b[1+cookieNonceLen:], b[:1])
	if err != nil {
		return nil, false
	}
	return parseCookie(plain)
}

func (c *stateCookie) append(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint64(b, uint64(c.created.UnixNano()))
	b = be.AppendUint64(b, uint64(c.expires.UnixNano()))
	for _, ap := range []netip.AddrPort{c.local, c.remote} {
		ip := ap.Addr().As16()
		b = append(b, ip[:]...)
		b = be.AppendUint16(b, ap.Port())
	}
	b = be.AppendUint16(b, c.localPort)
	b = be.AppendUint16(b, c.remotePort)
	for _, v := range []uint32{
		c.localTag, c.remoteTag, uint32(c.localTSN), uint32(c.remoteTSN), c.localTie, c.remoteTie, c.arwnd,
	} {
		b = be.AppendUint32(b, v)
	}
	b = be.AppendUint16(b, c.outbound)
	b = be.AppendUint16(b, c.inbound)
	b = be.AppendUint16(b, uint16(c.ext))
	b = be.AppendUint16(b, c.generation)
	b = append(b, byte(len(c.addrs)))
	for _, a := range c.addrs {
		ip := a.As16()
		b = append(b, ip[:]...)
	}
	if c.ext.has(extAuth) {
		b = append(b, c.random[:]...)
		b = append(b, c.auth...)
	}
	return b
}

func parseCookie(b []byte) (*stateCookie, bool) {
	if len(b) < cookieFixedLen {
		return nil, false
	}
	be := binary.BigEndian
	c := new(stateCookie)
	u64 := func() uint64 { v := be.Uint64(b); b = b[8:]; return v }
	u32 := func() uint32 { v := be.Uint32(b); b = b[4:]; return v }
	u16 := func() uint16 { v := be.Uint16(b); b = b[2:]; return v }
	ip := func() netip.Addr { a := netip.AddrFrom16([16]byte(b)).Unmap(); b = b[16:]; return a }
	c.created = time.Unix(0, int64(u64()))
	c.expires = time.Unix(0, int64(u64()))
	c.local = netip.AddrPortFrom(ip(), u16())
	c.remote = netip.AddrPortFrom(ip(), u16())
	c.localPort, c.remotePort = u16(), u16()
	c.localTag, c.remoteTag = u32(), u32()
	c.localTSN, c.remoteTSN = wire.TSN(u32()), wire.TSN(u32())
	c.localTie, c.remoteTie = u32(), u32()
	c.arwnd = u32()
	c.outbound, c.inbound = u16(), u16()
	c.ext = extensions(u16())
	c.generation = u16()
	n := int(b[0])
	b = b[1:]
	if len(b) < 16*n {
		return nil, false
	}
	for range n {
		c.addrs = append(c.addrs, ip())
	}
	if c.ext.has(extAuth) {
		if len(b) < authRandomLen {
			return nil, false
		}
		c.random, c.auth = [authRandomLen]byte(b), b[authRandomLen:]
		return c, true
	}
	return c, len(b) == 0
}

// peer is what the peer's INIT has said.
func (c *stateCookie) peer(cfg *Config) *peerInit {
	p := &peerInit{
		Init: wire.Init{
			InitiateTag: c.remoteTag, ARwnd: c.arwnd, InitialTSN: c.remoteTSN, OutboundStreams: c.inbound,
		},
		ext: c.ext,
	}
	if c.ext.has(extAuth) {
		p.auth.vector = c.auth
		if able, err := p.auth.read(cfg.AuthHMACs); !able || err != nil {
			p.ext &^= extAuth | extAsconf // it was when the cookie was made
		}
	}
	return p
}

// random returns a Random Number (RFC 4895, Section 3.1): what an association's
// own source gives is not unpredictable, what is derived from the secret is.
func (j *cookieJar) random(rng *rand.Rand) (r [authRandomLen]byte) {
	mac := hmac.New(sha256.New, j.master[:])
	var b [1 + 16]byte // longer than an epoch, so that it cannot be one
	binary.BigEndian.PutUint64(b[1:], rng.Uint64())
	binary.BigEndian.PutUint64(b[9:], rng.Uint64())
	mac.Write(b[:])
	mac.Sum(r[:0])
	return r
}
