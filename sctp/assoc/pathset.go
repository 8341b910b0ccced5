// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"
	"time"
)

func (a *Association) pathTo(addr netip.Addr) *path {
	for _, p := range a.paths {
		if p.remote.Addr() == addr {
			return p
		}
	}
	return nil
}

// addPath adds an address of the peer, unless nothing here can reach it.
func (a *Association) addPath(remote netip.AddrPort, state PathState) *path {
	local, ok := sourceFor(a.local, remote.Addr())
	if !ok {
		return nil
	}
	return a.addPathFrom(local, remote, state)
}

func (a *Association) addPathFrom(local, remote netip.AddrPort, state PathState) *path {
	p := newPath(len(a.paths), remote, local, a.cfg)
	p.setMTU(a.firstMTU(p))
	p.cc.init(a.cfg.CongestionControl, p.ipv6())
	p.state, p.told = state, state
	a.paths = append(a.paths, p)
	if a.primary == nil {
		a.primary = p
	}
	a.identityChanged = true
	a.amdcsCache = 0
	return p
}

// keepPaths drops the paths to addresses that the user has named and the peer's
// INIT ACK has not: behind them may be another endpoint, or they may be reached
// from an address of ours that the peer was not told. RFC 9260, Section 5.1.2, C:
// "The receiver SHOULD use only these transport addresses as destination transport
// addresses when sending subsequent packets to its peer."
func (a *Association) keepPaths(addrs []netip.Addr) {
	a.paths = slices.DeleteFunc(a.paths, func(p *path) bool { return !slices.Contains(addrs, p.remote.Addr()) })
	for i, p := range a.paths {
		p.index = i
	}
	a.identityChanged = true
	a.amdcsCache = 0
}

// learnPort follows the peer's UDP port on a path. RFC 6951, Section 5.4:
// "After finding the SCTP association (which includes checking the
// verification tag), the UDP source port MUST be stored as the encapsulation
// port for the destination address the SCTP packet is received from".
func (a *Association) learnPort(p *path, d Datagram) {
	if p.remote.Port() != d.Remote.Port() {
		p.remote = netip.AddrPortFrom(p.remote.Addr(), d.Remote.Port())
		a.identityChanged = true
	}
	if d.Local != p.local && slices.Contains(a.local, d.Local) {
		p.local = d.Local
	}
}

// amdcs is the AMDCS: the size of the largest DATA chunk
// that fits on every path (RFC 9260, Section 7.3).
func (a *Association) amdcs() int {
	if a.amdcsCache == 0 {
		a.amdcsCache = maxMTU
		for _, p := range a.paths {
			a.amdcsCache = min(a.amdcsCache, p.cc.pmdcs-a.authReserve())
		}
	}
	return a.amdcsCache
}

// dataPath is where new data goes: the primary path unless it has failed, else
// one other (RFC 9260, Section 6.4.1; RFC 7829, Section 3.2, 3).
func (a *Association) dataPath() *path {
	if a.primary.usable() {
		a.dataPathCurrent = nil
		return a.primary
	}
	if p := a.dataPathCurrent; p != nil && p.usable() {
		return p
	}
	if p := a.bestOther(a.primary); p != nil {
		a.dataPathCurrent = p
		return p
	}
	if a.dataPathCurrent == nil {
		a.dataPathCurrent = a.primary
	}
	a.dataPathCurrent = a.lastResort(a.dataPathCurrent, true)
	return a.dataPathCurrent
}

// anyConfirmed is false only after the peer has replaced all its addresses.
func (a *Association) anyConfirmed() bool {
	return slices.ContainsFunc(a.paths, func(p *path) bool { return p.state != PathUnconfirmed })
}

// bestOther chooses an active path that is not p: the one with the fewest
// errors, and of these the fastest. RFC 9260, Section 6.4: "an endpoint SHOULD
// try to retransmit a chunk that timed out to an active destination transport
// address that is different".
func (a *Association) bestOther(p *path) *path {
	var best *path
	for _, q := range a.paths {
		if q == p || !q.usable() {
			continue
		}
		if best == nil || q.errorCount < best.errorCount ||
			q.errorCount == best.errorCount && q.rto.srtt != 0 && (best.rto.srtt == 0 || q.rto.srtt < best.rto.srtt) {
			best = q
		}
	}
	return best
}

// retransmitPath is where a chunk last sent on p goes after a timeout.
func (a *Association) retransmitPath(p *path) *path {
	if q := a.bestOther(p); q != nil {
		return q
	}
	if p.usable() {
		return p
	}
	return a.lastResort(p, false)
}

// strike counts an error on a path. counts tells whether it also counts
// against the association (RFC 9260, Section 8.1).
func (a *Association) strike(now time.Time, p *path, counts bool) {
	if counts {
		a.errorCount++
	}
	if p.strike(a.cfg) {
		a.pathChanged(p)
		if p.state == PathInactive {
			p.pm.disable()
		}
		if p.failing() {
			a.watchFailing(now, p)
		} else {
			p.hb.schedule(now, p.rto.rto, a.cfg.HeartbeatInterval, a.rng.Float64())
		}
	} else if p == a.primary {
		a.pathChanged(p) // PSMR may be more than PFMR
	}
	if !p.usable() && !p.failing() && len(a.local) > 1 {
		a.rotateSource(p)
	}
	if a.errorCount > a.cfg.AssociationMaxRetrans {
		// RFC 9260, Section 8.1: "the endpoint SHOULD consider the peer endpoint
		// unreachable and SHALL stop transmitting any more data to it (and thus the
		// association enters the CLOSED state)".
		a.close(&LostError{Reason: "peer unreachable: too many retransmissions"})
	}
}

// rotateSource tries the next local address for a path that does not answer, unless
// the one it has now has not been tried: the peer has been heard there meanwhile.
func (a *Association) rotateSource(p *path) {
	if p.tried != p.local {
		return
	}
	for i, l := range a.local {
		if l != p.local {
			continue
		}
		for j := 1; j < len(a.local); j++ {
			next := a.local[(i+j)%len(a.local)]
			if next.Addr().Is4() == p.remote.Addr().Is4() && next.Addr().IsLoopback() == p.remote.Addr().IsLoopback() {
				p.local = next
				return
			}
		}
	}
}

// mayHeartbeat: RFC 9260, Section 8.3: "The sending of HEARTBEAT chunks MAY
// begin upon reaching the ESTABLISHED state and is discontinued after sending
// either a SHUTDOWN chunk or SHUTDOWN ACK chunk."
func (a *Association) mayHeartbeat() bool {
	return a.state == StateEstablished || a.state == StateShutdownPending || a.state == StateShutdownReceived
}

// startHeartbeats begins monitoring and path verification.
func (a *Association) startHeartbeats(now time.Time) {
	unconfirmed := 0
	for _, p := range a.paths {
		if p.state == PathUnconfirmed {
			// Section 5.4: "The number of packets containing HEARTBEAT chunks sent at
			// each RTO SHOULD be limited by the 'HB.Max.Burst' parameter", which is 1.
			if unconfirmed == 0 {
				p.hb.asked = true
			} else {
				p.hb.scheduleProbe(now.Add(time.Duration(unconfirmed) * p.rto.rto))
			}
			unconfirmed++
		} else {
			p.hb.schedule(now, p.rto.rto, a.cfg.HeartbeatInterval, a.rng.Float64())
		}
	}
}

// onHeartbeatDue decides whether the path is idle. RFC 9260, Section 8.3: "A
// destination transport address is considered 'idle' if no new chunk that can
// be used for updating path RTT ... and no HEARTBEAT chunk has been sent to it
// within the current heartbeat period".
func (a *Association) onHeartbeatDue(now time.Time, p *path) {
	if !a.mayHeartbeat() {
		p.hb.stop()
		return
	}
	p.hb.next = time.Time{}
	if p.failing() {
		a.watchFailing(now, p)
		return
	}
	if p.state == PathActive && !p.cc.lastSent.IsZero() {
		if period := a.cfg.HeartbeatInterval + p.rto.rto; now.Sub(p.cc.lastSent) < period/2 {
			p.hb.schedule(now, p.rto.rto, a.cfg.HeartbeatInterval, a.rng.Float64())
			return
		}
	}
	if p.hb.deadline.IsZero() {
		p.hb.asked = true
	}
	if p == a.primary {
		a.trim()
	}
}

// trim lets go of the memory kept for reuse: nothing has been sent for a while.
func (a *Association) trim() {
	if a.allAcknowledged() {
		a.queue.pool, a.queue.free = bufPool{}, nil
		a.queue.msgs, a.queue.head = nil, 0
		a.out.ring, a.gapScratch = nil, nil
	}
	if a.reassembly.held == 0 {
		a.reassembly.dropSpare()
		if a.reassembly.ready.head == len(a.reassembly.ready.items) {
			a.reassembly.ready = msgQueue{}
		}
	}
}

// onHeartbeatTimeout: the HEARTBEAT was not answered within an RTO.
func (a *Association) onHeartbeatTimeout(now time.Time, p *path) {
	p.hb.deadline = time.Time{}
	p.timeouts = 0 // it loses what is small, too
	if a.dataTells(p) {
		a.watchFailing(now, p)
		return
	}
	p.rto.backOff()
	// RFC 9260, Section 8.1: "Unacknowledged HEARTBEAT chunks observed on paths
	// different from the path currently used for data transfer SHOULD NOT
	// increment the association error counter"; Section 5.4: "When probing
	// UNCONFIRMED addresses, however, the association overall error count is not
	// incremented."
	a.strike(now, p, p == a.dataPath() && (p.state != PathUnconfirmed || !a.anyConfirmed()))
	if a.state == StateClosed {
		return
	}
	if p.state == PathUnconfirmed && (p.errorCount <= a.cfg.PathMaxRetrans || !a.anyConfirmed()) {
		p.hb.scheduleProbe(now) // nothing may be sent before one is answered
		return
	}
	if p.failing() {
		a.watchFailing(now, p)
		return
	}
	interval := a.cfg.HeartbeatInterval
	if interval < 0 && p.state == PathUnconfirmed {
		interval = a.cfg.RTOMax
	}
	// The period begins when the unanswered one was sent: the time waited is part of it.
	p.hb.schedule(p.hb.sentAt, p.rto.rto, interval, a.rng.Float64())
}

// onHeartbeatAnswered confirms the path and makes it active. RFC 7829, Section
// 3.2, 7: "in a situation where a HEARTBEAT ACK arrives while there is data
// outstanding towards the destination address to which the HEARTBEAT was sent,
// then an implementation MAY choose to not have the HEARTBEAT ACK reset the error
// counter, but have the error counter reset await the fate of the outstanding
// data transmission."
func (a *Association) onHeartbeatAnswered(now time.Time, p *path) {
	if p.failing() && p.flightSize > 0 {
		a.watchFailing(now, p)
		return
	}
	wasUnconfirmed := p.state == PathUnconfirmed
	if wasUnconfirmed {
		p.state = PathActive
		p.errorCount = 0
	}
	if p.clear() || wasUnconfirmed {
		a.pathChanged(p)
		a.beginSearch(now, p)
	}
	a.grantPrimary(p)
	p.hb.schedule(now, p.rto.rto, a.cfg.HeartbeatInterval, a.rng.Float64())
}
