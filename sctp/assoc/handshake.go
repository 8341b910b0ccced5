// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// associate enters COOKIE-WAIT (RFC 9260, Section 5.1, A).
func (a *Association) associate(now time.Time, tag uint32, tsn wire.TSN, streams int) {
	a.begun = now
	a.myTag, a.initTSN, a.outboundWant = tag, tsn, streams
	if a.cfg.extensions().has(extAuth) {
		a.auth.random = a.jar.random(a.rng)
	}
	a.outbound = streams
	a.queue.init(streams)
	a.applyScheduler()
	a.out.init(tsn)
	a.enter(StateCookieWait)
	a.t1.begin()
	a.identityChanged = true
}

func (a *Association) enter(s State) { a.state = s }

// appendInit builds the INIT chunk for a destination.
func (a *Association) appendInit(b []byte, dst netip.Addr) []byte {
	params := appendAddressParams(nil, a.cfg, a.local, dst)
	multihomed := len(params) > 0
	if a.preserve != 0 {
		params = wire.AppendCookiePreservative(params, a.preserve)
	}
	params = appendSupportedTypes(params, familiesOf(a.local), multihomed)
	params = a.cfg.extensions().append(params, allExtensions)
	if a.cfg.extensions().has(extAuth) {
		params = a.cfg.appendAuth(params, &a.auth.random)
	}
	init := wire.Init{
		InitiateTag: a.myTag, ARwnd: uint32(a.cfg.RecvBuffer),
		OutboundStreams: uint16(a.outboundWant), InboundStreams: uint16(a.cfg.MaxInboundStreams),
		InitialTSN: a.initTSN, Params: params,
	}
	return init.Append(b, wire.ChunkInit)
}

// setupPath is where INIT and COOKIE ECHO go: RFC 9260, Section 5.1:
// "Retransmissions of INIT chunks and COOKIE ECHO chunks SHOULD use all
// addresses of the peer similar to retransmissions of DATA chunks." Those
// which are not confirmed get none (Section 5.4).
func (a *Association) setupPath() *path {
	i := a.primary.index + a.t1.expired
	for range a.paths {
		if p := a.paths[i%len(a.paths)]; p.state != PathUnconfirmed {
			return p
		}
		i++
	}
	return a.primary
}

// onT1Expiry: RFC 9260, Section 5.1.6: "This is repeated
// 'Max.Init.Retransmits' times before 'A' considers 'Z' unreachable".
func (a *Association) onT1Expiry(now time.Time) {
	if a.t1.expired > max(a.cfg.MaxInitRetransmits, 0) {
		a.close(&LostError{Reason: "no answer to " + map[State]string{
			StateCookieWait: "INIT", StateCookieEchoed: "COOKIE ECHO"}[a.state]})
		return
	}
	a.t1.path.rto.backOff()
}

// handleInitAck takes an INIT ACK in COOKIE-WAIT and enters COOKIE-ECHOED.
func (a *Association) handleInitAck(now time.Time, d Datagram, c wire.Chunk) {
	if a.state != StateCookieWait || !a.hasSource() {
		return // Section 5.2.3
	}
	p, cause, ok := readInit(c, d.Remote.Addr(), familiesOf(a.local), a.cfg)
	switch {
	case !ok && cause == nil:
		a.stats.BadPackets++
		return
	case p.InitiateTag == 0:
		// Section 3.3.3: "it MUST destroy the TCB and SHOULD send an ABORT chunk with
		// the T bit set".
		a.replyAlone(d, a.myTag, wire.AppendAbort(nil, true, nil))
		a.close(&AbortError{Reason: "INIT ACK with Initiate Tag 0"})
		return
	case ok && p.cookie == nil:
		cause, ok = wire.AppendMissingParams(nil, wire.ParamStateCookie), false
	}
	if !ok {
		a.replyAlone(d, p.InitiateTag, wire.AppendAbort(nil, false, cause))
		if p.ARwnd >= minARwnd || p.OutboundStreams == 0 || p.InboundStreams == 0 {
			a.close(&AbortError{Causes: cause, Reason: "bad INIT ACK"})
		}
		return
	}
	from := a.pathTo(d.Remote.Addr())
	if a.t1.expired == 0 && from.rttPending {
		from.rto.measure(now.Sub(from.rttStart))
	}
	from.rttPending = false
	a.setPeer(&p, min(a.outboundWant, int(p.InboundStreams)))
	for _, addr := range p.addrs[1:] {
		if a.pathTo(addr) == nil && len(a.paths) < a.cfg.MaxPaths {
			a.addPath(netip.AddrPortFrom(addr, d.Remote.Port()), PathUnconfirmed)
		}
	}
	a.primary = from
	a.keepPaths(p.addrs)
	a.cookie = append(a.cookie[:0], p.cookie...)
	a.enter(StateCookieEchoed)
	a.t1.begin()
	if len(p.unrecognized) > 0 {
		// Section 3.2.2: "in an ERROR chunk ... bundled with the COOKIE ECHO chunk":
		// replies wait until the COOKIE ECHO is in the packet.
		a.replyError(from, wire.AppendUnrecognizedParams(nil, unwrapUnrecognized(p.unrecognized)))
	}
}

// unwrapUnrecognized turns Unrecognized Parameter parameters into what is in
// them.
func unwrapUnrecognized(b []byte) (out []byte) {
	for prm, err := range wire.Params(b) {
		if err != nil {
			break
		}
		out = append(out, prm.Value...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

// setPeer takes what the peer's INIT or INIT ACK says. RFC 9260, Section
// 5.1.1: "the valid outbound stream identifier range for either endpoint MUST
// be 0 to min(local OS, remote MIS) - 1."
func (a *Association) setPeer(p *peerInit, outbound int) {
	a.releaseAtEnd() // of the association's former life
	a.peerTag, a.ext, a.ecn = p.InitiateTag, p.ext, ecnState{}
	a.peerArwnd, a.tuning = int(p.ARwnd), tuning{}
	a.tracker.init(p.InitialTSN)
	a.queue.setInterleaved(a.Interleaving())
	a.reassembly.partial = a.canForward()
	a.reassembly.interleaved = a.Interleaving()
	a.reassembly.point = a.cfg.PartialDeliveryPoint
	a.reassembly.init(min(a.cfg.MaxInboundStreams, int(p.OutboundStreams)))
	a.ack = ackState{first: true, advertised: a.cfg.RecvBuffer}
	a.reconfig.init(a.initTSN, p.InitialTSN)
	a.setPeerAuth(p)
	a.asconf.begin(a.initTSN, p.InitialTSN)
	if outbound < a.outbound {
		a.outbound = outbound
		for _, m := range a.queue.dropAbove(outbound) {
			a.event(EventSendFailed{Message: m.message(), Sent: m.tried})
		}
	}
}

// setPeerAuth takes what the peer says of authentication.
func (a *Association) setPeerAuth(p *peerInit) {
	if p.ext.has(extAuth) {
		a.auth.setPeer(a.cfg, &p.auth)
	} else {
		a.auth.wants, a.auth.busy = chunkSet{}, false
	}
	a.amdcsCache = 0
}

// fromCookie sets a new association up from a state cookie (RFC 9260, Section
// 5.1.5, 5).
func (a *Association) fromCookie(now time.Time, c *stateCookie) bool {
	a.begun = now
	a.myTag, a.initTSN, a.auth.random = c.localTag, c.localTSN, c.random
	a.outbound, a.outboundWant = int(c.outbound), int(c.outbound)
	a.queue.init(a.outbound)
	a.applyScheduler()
	a.out.init(c.localTSN)
	// Section 5.4, 2: "For the receiver of the COOKIE ECHO chunk, the only
	// CONFIRMED address is the address to which the packet containing the INIT
	// ACK chunk was sent."
	p := a.addPath(c.remote, PathActive)
	if p == nil {
		return false
	}
	if slices.Contains(a.local, c.local) {
		p.local = c.local
	}
	for _, addr := range c.addrs {
		a.addPath(netip.AddrPortFrom(addr, c.remote.Port()), PathUnconfirmed)
	}
	a.setPeer(c.peer(a.cfg), a.outbound)
	a.tuning.rtt = min(max(now.Sub(c.created), 0), a.cfg.RTOMax) // more, if something was lost
	a.established(now)
	return true
}

// established enters ESTABLISHED.
func (a *Association) established(now time.Time) {
	lost := a.t1.expired > 0
	a.t1.stop()
	a.cookie = nil
	a.enter(StateEstablished)
	a.userData(now)
	a.settleAddrs()
	if !a.up { // else it is a restart, which is reported as such
		a.up = true
		a.event(EventCommUp{OutboundStreams: a.outbound, InboundStreams: a.reassembly.limit})
		if a.cfg.extensions().has(extAuth) && !a.ext.has(extAuth) {
			a.event(EventAuthKey{Indication: AuthUnsupported})
		}
	}
	a.startHeartbeats(now)
	if lost {
		a.markWhere(func(*outChunk) bool { return true }) // went with a lost COOKIE ECHO
	}
	for _, p := range a.paths {
		if p.flightSize > 0 {
			p.startT3(now)
		}
		p.cc.openBurst(0, a.cfg.MaxBurst)
	}
	if a.shutdownWanted {
		a.Shutdown(now)
	}
}

// handleStaleCookie begins anew and asks for a longer life. RFC 9260, Section
// 5.2.6, 3: "Send a new INIT chunk to the endpoint, adding a Cookie
// Preservative parameter ... an implementation SHOULD use the RTT information
// measured based on the previous COOKIE ECHO/ERROR chunk exchange and SHOULD
// add no more than 1 second beyond the measured RTT".
func (a *Association) handleStaleCookie(now time.Time) {
	if a.state != StateCookieEchoed {
		return
	}
	if a.staleRetries++; a.staleRetries > max(a.cfg.MaxInitRetransmits, 0) {
		a.close(&LostError{Reason: "state cookie stale again and again"})
		return
	}
	rtt := now.Sub(a.cookieEchoed)
	a.preserve = uint32(min(rtt+time.Second, a.cfg.RTOMax).Milliseconds())
	a.undoBundledData()
	// A new Initiate Tag tells what answers this INIT from what still comes for
	// the old one: another copy of the ERROR, or a SACK.
	a.myTag, a.identityChanged = a.freshTag(), true
	a.enter(StateCookieWait)
	a.t1.begin()
}
