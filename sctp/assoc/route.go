// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Route checks a packet and returns the association it belongs to, whose
// HandlePacket must get it next. It returns nil if the packet was dropped, or
// answered without an association (see PollReply). isNew tells that a COOKIE
// ECHO has just made the association.
func (s *Stack) Route(now time.Time, d Datagram) (a *Association, isNew bool) {
	h, err := wire.ParseHeader(d.Data)
	if err != nil || len(d.Data) < wire.HeaderLen+wire.ChunkHeaderLen || h.SrcPort == 0 || h.DstPort == 0 {
		s.stats.Malformed++
		return nil, false
	}
	// RFC 9260, Section 6.8: "When an SCTP packet is received, the receiver MUST
	// first check the CRC32c checksum".
	if s.acceptsZeroChecksum(d.Data) {
		s.stats.ZeroChecksums++
	} else if !wire.ChecksumOK(d.Data) {
		s.stats.BadChecksum++
		return nil, false
	}
	if h.Tag != 0 {
		if a := s.byTag[h.Tag]; a != nil && a.localPort == h.DstPort && a.remotePort == h.SrcPort &&
			(a.indexed.has(d.Remote.Addr()) || a.indexed.namedByAsconf(d.Data)) {
			return a, false
		}
	}
	// Verification tags that are not ours mean something in ABORT, SHUTDOWN
	// COMPLETE (the reflected tag), INIT and COOKIE ECHO (Section 8.5.1).
	if a := s.byPeer[peerKey{h.DstPort, h.SrcPort, d.Remote}]; a != nil {
		return a, false
	}
	return s.outOfTheBlue(now, d, h)
}

// outOfTheBlue treats a packet that no association claims (RFC 9260, Section
// 8.4).
func (s *Stack) outOfTheBlue(now time.Time, d Datagram, h wire.Header) (*Association, bool) {
	chunks := d.Data[wire.HeaderLen:]
	first, rest, err := wire.NextChunk(chunks)
	if err != nil {
		s.stats.Malformed++
		return nil, false
	}
	var auth, covered []byte
	if first.Type == wire.ChunkAuth && len(rest) > 0 {
		// RFC 4895, Section 6.3: "The out of the blue handling MUST be based on the
		// packet without taking the AUTH chunk into account."
		auth, covered, chunks = chunks, rest, rest
		if first, rest, err = wire.NextChunk(chunks); err != nil {
			s.stats.Malformed++
			return nil, false
		}
	}
	// "1) If the OOTB packet is to or from a non-unicast address, a receiver
	// SHOULD silently discard the packet."
	if src := d.Remote.Addr(); src.IsMulticast() || src.IsUnspecified() {
		return nil, false
	}
	s.stats.OutOfTheBlue++
	// "2) If the OOTB packet contains an ABORT chunk, the receiver MUST silently
	// discard"; 6) and 7) also let go of SHUTDOWN COMPLETE, a Stale Cookie
	// ERROR and COOKIE ACK.
	var shutdownAck, discard bool
	for b := chunks; len(b) > 0; {
		c, r, err := wire.NextChunk(b)
		if err != nil {
			break
		}
		b = r
		switch c.Type {
		case wire.ChunkAbort:
			return nil, false
		case wire.ChunkShutdownAck:
			shutdownAck = true
		case wire.ChunkShutdownComplete, wire.ChunkCookieAck:
			discard = true
		case wire.ChunkError:
			discard = discard || hasCause(c.Value, wire.CauseStaleCookie)
		}
	}
	switch {
	case first.Type == wire.ChunkInit && !slices.Contains(s.local, d.Local):
		// The address is being removed: nothing new begins there.
	case first.Type == wire.ChunkInit:
		// Section 8.5.1, A: "it SHOULD verify that the packet contains only an
		// INIT chunk. Otherwise, the receiver MUST silently discard the packet."
		if h.Tag != 0 || len(rest) > 0 {
			s.stats.Malformed++
			return nil, false
		}
		return s.handleInit(now, d, h, first)
	case h.Tag == 0:
		return nil, false
	case first.Type == wire.ChunkCookieEcho:
		return s.handleCookieEcho(now, d, h, first, auth, covered)
	case shutdownAck:
		// "5) ... the receiver SHOULD respond to the sender of the OOTB packet with
		// a SHUTDOWN COMPLETE chunk ... and set the T bit".
		s.answer(d, h, h.Tag, wire.AppendChunk(nil, wire.ChunkShutdownComplete, wire.FlagT, nil))
	case discard:
	default:
		// "8) The receiver SHOULD respond to the sender of the OOTB packet with an
		// ABORT chunk ... and set the T bit".
		s.answer(d, h, h.Tag, wire.AppendChunk(nil, wire.ChunkAbort, wire.FlagT, nil))
	}
	return nil, false
}

func hasCause(b []byte, code wire.CauseCode) bool {
	for len(b) > 0 {
		c, rest, err := wire.NextCause(b)
		if err != nil {
			return false
		}
		if c.Code == code {
			return true
		}
		b = rest
	}
	return false
}

// handleInit answers an INIT without keeping anything (RFC 9260, Section 5.1,
// B), unless an address it lists belongs to an association.
func (s *Stack) handleInit(now time.Time, d Datagram, h wire.Header, c wire.Chunk) (*Association, bool) {
	p, cause, ok := readInit(c, d.Remote.Addr(), familiesOf(s.local), &s.cfg)
	if p.InitiateTag == 0 {
		// RFC 9260, Section 3.3.2: "the receiver MUST silently discard the packet".
		s.stats.Malformed++
		return nil, false
	}
	if !ok || !s.listening[h.DstPort] {
		// Section 8.4, 3: "the Verification Tag of the packet containing the ABORT
		// chunk MUST be the Initiate Tag of the received INIT chunk, and the T bit
		// of the ABORT chunk has to be set to 0".
		s.stats.InitsRefused++
		s.answer(d, h, p.InitiateTag, wire.AppendChunk(nil, wire.ChunkAbort, 0, cause))
		return nil, false
	}
	// Section 5.1.2, D: "MUST be treated as belonging to an already established
	// association ... if the use of any of the valid address parameters
	// contained within the chunk would identify an existing TCB."
	for _, addr := range p.addrs {
		k := peerKey{h.DstPort, h.SrcPort, netip.AddrPortFrom(addr, d.Remote.Port())}
		if a := s.byPeer[k]; a != nil {
			return a, false
		}
	}
	s.stats.InitsAnswered++
	cookie := stateCookie{
		localTag: s.newTag(), localTSN: wire.TSN(s.rng.Uint32()),
		outbound:   min(uint16(s.cfg.OutboundStreams), p.InboundStreams),
		generation: s.generation,
	}
	chunk := appendInitAck(now, &s.cfg, s.jar, s.rng, s.local, &cookie, &p, d, h)
	s.answer(d, h, p.InitiateTag, chunk)
	return nil, false
}

// appendInitAck builds the INIT ACK that answers an INIT. The cookie comes
// with what is ours: tags, initial TSN, outbound streams, Tie-Tags.
func appendInitAck(now time.Time, cfg *Config, jar *cookieJar, rng *rand.Rand, local []netip.AddrPort,
	cookie *stateCookie, p *peerInit, d Datagram, h wire.Header) []byte {
	cookie.created = now
	cookie.expires = now.Add(cfg.ValidCookieLife + preservation(p.preserve))
	cookie.local, cookie.remote = d.Local, d.Remote
	cookie.localPort, cookie.remotePort = h.DstPort, h.SrcPort
	cookie.remoteTag, cookie.remoteTSN, cookie.arwnd = p.InitiateTag, p.InitialTSN, p.ARwnd
	cookie.inbound = min(uint16(cfg.MaxInboundStreams), p.OutboundStreams)
	cookie.addrs, cookie.ext = p.addrs[1:], p.ext

	params := appendAddressParams(nil, cfg, local, d.Remote.Addr())
	params = cfg.extensions().append(params, p.ext)
	if p.ext.has(extAuth) {
		if cookie.random == ([authRandomLen]byte{}) {
			cookie.random = jar.random(rng)
		}
		cookie.auth = p.auth.vector
		params = cfg.appendAuth(params, &cookie.random)
	}
	params = wire.AppendParam(params, wire.ParamStateCookie, jar.seal(cookie, rng))
	params = append(params, p.unrecognized...)
	ack := wire.Init{
		InitiateTag: cookie.localTag, ARwnd: uint32(cfg.RecvBuffer),
		OutboundStreams: cookie.outbound, InboundStreams: uint16(cfg.MaxInboundStreams),
		InitialTSN: cookie.localTSN, Params: params,
	}
	return ack.Append(nil, wire.ChunkInitAck)
}

// maxPreservation bounds what a Cookie Preservative can add. RFC 9260, Section
// 5.2.6: "SHOULD add no more than 1 second beyond the measured RTT".
const maxPreservation = 10 * time.Second

func preservation(ms uint32) time.Duration {
	return min(time.Duration(ms)*time.Millisecond, maxPreservation)
}

// handleCookieEcho makes an association of a good cookie (RFC 9260, Section
// 5.1.5). auth begins with the AUTH chunk before it, if there is one.
func (s *Stack) handleCookieEcho(now time.Time, d Datagram, h wire.Header, c wire.Chunk, auth, covered []byte) (*Association, bool) {
	cookie, ok := s.jar.open(now, c.Value)
	// "3) Compare the port numbers and the Verification Tag ... If these values
	// do not match, the packet MUST be silently discarded."
	if !ok || cookie.localPort != h.DstPort || cookie.remotePort != h.SrcPort || cookie.localTag != h.Tag {
		s.stats.BadCookies++
		return nil, false
	}
	// An association that has another address of this peer: Section 5.2.4.
	for _, addr := range append(cookie.addrs, cookie.remote.Addr()) {
		k := peerKey{h.DstPort, h.SrcPort, netip.AddrPortFrom(addr, d.Remote.Port())}
		if a := s.byPeer[k]; a != nil {
			return a, false
		}
	}
	if !s.cookieEchoAuthentic(cookie, auth, covered) {
		s.stats.BadCookies++
		return nil, false
	}
	if now.After(cookie.expires) {
		// "4) ... the endpoint MUST transmit an ERROR chunk with a 'Stale Cookie'
		// error cause".
		s.stats.StaleCookies++
		s.answer(d, h, cookie.remoteTag, staleCookieError(now, cookie))
		return nil, false
	}
	if !s.listening[h.DstPort] {
		s.answer(d, h, cookie.remoteTag, wire.AppendChunk(nil, wire.ChunkAbort, 0, nil))
		return nil, false
	}
	if len(s.byTag) >= s.cfg.MaxAssociations || s.starved {
		s.answer(d, h, cookie.remoteTag, wire.AppendAbort(nil, false, wire.AppendCause(nil, wire.CauseOutOfResource, nil)))
		return nil, false
	}
	if s.byTag[cookie.localTag] != nil || s.used.has(cookie.localTag) {
		s.stats.BadCookies++ // the tag was given to another meanwhile, or has been used
		return nil, false
	}
	a := s.newAssociation(h.DstPort, h.SrcPort)
	if cookie.generation != s.generation || s.cfg.BehindNAT {
		a.localsSince(cookie.local)
	}
	if !a.fromCookie(now, cookie) {
		return nil, false
	}
	s.Sync(a)
	return a, true
}

// cookieEchoAuthentic: RFC 4895, Section 6.3: "If authentication fails, then the
// packet is discarded."
func (s *Stack) cookieEchoAuthentic(c *stateCookie, auth, covered []byte) bool {
	if auth == nil {
		return !(c.ext.has(extAuth) && s.cfg.auth.required.has(wire.ChunkCookieEcho))
	}
	chunk, _, err := wire.NextChunk(auth)
	var keys authState
	keys.init(&s.cfg)
	return err == nil && c.verifyCookieEcho(&s.cfg, keys.keys, chunk, covered)
}

// staleCookieError builds the ERROR chunk. RFC 9260, Section 3.3.10.3: the
// Measure of Staleness is "the difference, rounded up in microseconds, between
// the current time and the time the State Cookie expired."
func staleCookieError(now time.Time, c *stateCookie) []byte {
	us := min((now.Sub(c.expires)+time.Microsecond-1)/time.Microsecond, 1<<32-1)
	return wire.AppendChunk(nil, wire.ChunkError, 0, wire.AppendStaleCookie(nil, uint32(us)))
}
