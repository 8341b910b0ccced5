// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// handleInit answers an INIT for an association that exists (RFC 9260,
// Sections 5.2.1 and 5.2.2). It changes nothing.
func (a *Association) handleInit(now time.Time, d Datagram, h wire.Header, c wire.Chunk) {
	p, cause, ok := readInit(c, d.Remote.Addr(), familiesOf(a.local), a.cfg)
	if p.InitiateTag == 0 {
		a.stats.BadPackets++
		return
	}
	if !ok {
		a.replyAlone(d, p.InitiateTag, wire.AppendAbort(nil, false, cause))
		return
	}
	var cookie stateCookie
	switch a.state {
	case StateShutdownAckSent:
		// Section 9.2: "it SHOULD discard the INIT chunk and retransmit the SHUTDOWN
		// ACK chunk".
		a.t2.due = true
		return
	case StateCookieWait:
		// "MUST respond with an INIT ACK chunk using the same parameters it sent in
		// its original INIT chunk (including its Initiate Tag, unchanged)."
		cookie = stateCookie{localTag: a.myTag, localTSN: a.initTSN, random: a.auth.random}
	case StateCookieEchoed:
		if a.refuseNewAddresses(d, &p) {
			return
		}
		cookie = stateCookie{localTag: a.myTag, localTSN: a.initTSN, localTie: a.myTag, remoteTie: a.peerTag, random: a.auth.random}
	default:
		if a.refuseNewAddresses(d, &p) {
			return
		}
		// "And the INIT ACK chunk MUST contain a new Initiate Tag (randomly
		// generated; see Section 5.3.1)."
		cookie = stateCookie{
			localTag: a.freshTag(), localTSN: wire.TSN(a.rng.Uint32()),
			localTie: a.myTag, remoteTie: a.peerTag,
		}
	}
	cookie.outbound = min(uint16(a.outboundWant), p.InboundStreams)
	chunk := appendInitAck(now, a.cfg, a.jar, a.rng, a.local, &cookie, &p, d, h)
	a.replyAlone(d, p.InitiateTag, chunk)
}

func (a *Association) freshTag() uint32 {
	for {
		if t := a.rng.Uint32(); t != 0 && t != a.myTag {
			return t
		}
	}
}

// refuseNewAddresses aborts a restart that would add addresses. Section 5.2.2:
// "If new addresses are added to the association, the endpoint MUST respond
// with an ABORT chunk ... The error SHOULD list the addresses that were
// added".
func (a *Association) refuseNewAddresses(d Datagram, p *peerInit) bool {
	var added []netip.Addr
	for _, addr := range p.addrs {
		if a.pathTo(addr) == nil {
			added = append(added, addr)
		}
	}
	if len(added) == 0 {
		return false
	}
	a.replyAlone(d, p.InitiateTag, wire.AppendAbort(nil, false, wire.AppendRestartNewAddresses(nil, added[:min(len(added), maxListedAddrs)]...)))
	return true
}

// handleCookieEcho treats a COOKIE ECHO for an association that exists (RFC
// 9260, Section 5.2.4). It tells whether the rest of the packet is to be
// processed.
func (a *Association) handleCookieEcho(now time.Time, d Datagram, h wire.Header, c wire.Chunk) bool {
	cookie, ok := a.jar.open(now, c.Value)
	if !ok || cookie.localPort != h.DstPort || cookie.remotePort != h.SrcPort || cookie.localTag != h.Tag {
		a.stats.BadPackets++
		return false
	}
	local, peer := cookie.localTag == a.myTag, cookie.remoteTag == a.peerTag
	if now.After(cookie.expires) && !(local && peer) {
		// "3) ... The endpoint also MUST transmit an ERROR chunk with a 'Stale
		// Cookie' error cause".
		a.replyAlone(d, cookie.remoteTag, staleCookieError(now, cookie))
		return false
	}
	switch {
	case !local && !peer && cookie.localTie == a.myTag && cookie.remoteTie == a.peerTag && a.peerTag != 0:
		return a.onRestart(now, d, cookie) // A
	case local && !peer:
		a.onCollision(now, d, cookie) // B
		return true
	case local && peer: // D
		if a.state == StateCookieEchoed {
			a.established(now)
		}
		a.replyCookieAck(d)
		return true
	}
	// C, and "For any case not shown in Table 12, the cookie SHOULD be silently
	// discarded."
	return false
}

// onRestart is action A: the peer has lost the association and set it up anew.
func (a *Association) onRestart(now time.Time, d Datagram, c *stateCookie) bool {
	if a.state == StateShutdownAckSent {
		// "it MUST NOT set up a new association but instead resend the SHUTDOWN ACK
		// chunk and send an ERROR chunk with a 'Cookie Received While Shutting Down'
		// error cause".
		a.t2.due = true
		a.replyAlone(d, c.remoteTag, wire.AppendError(nil, wire.AppendCause(nil, wire.CauseCookieWhileShuttingDown, nil)))
		return false
	}
	a.stats.Restarts++
	a.failUnacknowledged()
	a.event(EventRestart{})
	a.paths, a.primary, a.dataPathCurrent, a.primaryWanted = nil, nil, nil, nil
	a.errorCount, a.acked = 0, 0
	a.resetTransmission()
	a.t2.stop()
	a.t5ShutdownGuard = nilTime
	// The user still wants to shut down, which the peer does not know.
	a.shutdownWanted = a.state == StateShutdownPending || a.state == StateShutdownSent
	a.replies = nil
	if !a.fromCookie(now, c) {
		a.close(&LostError{Reason: "peer restarted from an address that cannot be reached"})
		return false
	}
	a.identityChanged = true
	a.replyCookieAck(d)
	return true
}

// onCollision is action B: both sides have sent an INIT. "The endpoint SHOULD
// stay in or enter the ESTABLISHED state, but it MUST update its peer's
// Verification Tag from the State Cookie, stop any T1-init or T1-cookie timers
// that might be running, and send a COOKIE ACK chunk."
func (a *Association) onCollision(now time.Time, d Datagram, c *stateCookie) {
	switch a.state {
	case StateCookieWait, StateCookieEchoed:
		for _, addr := range append([]netip.Addr{c.remote.Addr()}, c.addrs...) {
			if a.pathTo(addr) == nil && len(a.paths) < a.cfg.MaxPaths {
				a.addPath(netip.AddrPortFrom(addr, c.remote.Port()), PathUnconfirmed)
			}
		}
		a.setPeer(c.peer(a.cfg), int(c.outbound))
		a.established(now)
	default:
		a.peerTag = c.remoteTag
		// RFC 4895, Section 6.1: "the rules governing the handling of this Random
		// Number follow the same pattern as those for the Verification Tag".
		if p := c.peer(a.cfg); a.ext.has(extAuth) && p.ext.has(extAuth) {
			a.setPeerAuth(p)
		}
	}
	a.replyCookieAck(d)
}
