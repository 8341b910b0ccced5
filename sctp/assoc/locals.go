// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// AddLocal adds an address of this side to the association (RFC 5061). It is
// used once the peer has agreed, which EventLocalAddr reports.
func (a *Association) AddLocal(now time.Time, addr netip.AddrPort) error {
	s := &a.asconf
	switch {
	case a.state == StateClosed:
		return a.closedError()
	case slices.Contains(a.local, addr) || !a.inScope(addr.Addr()) || s.queued(wire.ParamAddIP, addr) >= 0:
		return nil
	}
	if i := s.queued(wire.ParamDeleteIP, addr); i >= 0 {
		// The peer has not been told that it was gone.
		s.queue = slices.Delete(s.queue, i, i+1)
		if !s.inTransit(wire.ParamAddIP, addr) {
			outage := !a.hasSource()
			a.local = append(slices.Clip(a.local), addr)
			a.relocate(now, outage)
		}
		return nil
	}
	if a.state == StateCookieWait && !a.hasSource() {
		// Another INIT tells of it.
		a.local, s.queue = []netip.AddrPort{addr}, nil
		a.relocate(now, true)
		a.t1.due = true
		return nil
	}
	if !a.mayAsk() || s.noAddDelete {
		return ErrNoAddIP
	}
	if !a.hasSource() && len(s.sent) > 0 {
		s.t4.due = true // what is outstanding goes again, from this one
	}
	return a.askPeer(wire.ParamAddIP, addr)
}

// RemoveLocal removes an address of this side. Nothing is sent from it any
// more, but the peer may send to it until EventLocalAddr comes. A peer that
// does not support ADD-IP is not told; packets it sends there are lost. The last
// address is deleted when another one is added; until then nothing can be sent.
func (a *Association) RemoveLocal(now time.Time, addr netip.AddrPort) error {
	s := &a.asconf
	if a.state == StateClosed {
		return a.closedError()
	}
	s.queue = slices.DeleteFunc(s.queue, func(r addrRequest) bool { return r.kind == wire.ParamSetPrimary && r.addr == addr })
	if i := s.queued(wire.ParamAddIP, addr); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		return nil
	}
	i := slices.Index(a.local, addr)
	if i < 0 && !s.inTransit(wire.ParamAddIP, addr) || s.queued(wire.ParamDeleteIP, addr) >= 0 {
		return nil
	}
	if i >= 0 {
		a.local = slices.Delete(slices.Clone(a.local), i, i+1)
		a.relocate(now, false)
		if len(a.local) == 0 {
			a.asconf.stranded = now.Add(time.Duration(a.cfg.AssociationMaxRetrans) * a.cfg.RTOMax)
		}
		if a.state == StateCookieEchoed && !a.hasSource() {
			// Neither can the peer be told before COOKIE ACK, nor has it an address to
			// send that to.
			a.close(&LostError{Reason: "the last local address has gone during the setup"})
			return nil
		}
	}
	if !a.inScope(addr.Addr()) || !a.mayAsk() || s.noAddDelete {
		return nil
	}
	return a.askPeer(wire.ParamDeleteIP, addr)
}

// SetPeerPrimary asks the peer to send data to an address of this side (RFC
// 5061, Section 5.4), which is advice.
func (a *Association) SetPeerPrimary(addr netip.AddrPort) error {
	s := &a.asconf
	switch {
	case a.state == StateClosed:
		return a.closedError()
	case !slices.Contains(a.local, addr) && s.queued(wire.ParamAddIP, addr) < 0 && !s.inTransit(wire.ParamAddIP, addr):
		return fmt.Errorf("%w: %v", ErrNoSuchAddress, addr.Addr())
	case !a.mayAsk() || s.noPrimary:
		return ErrNoAddIP
	}
	s.queue = slices.DeleteFunc(s.queue, func(r addrRequest) bool { return r.kind == wire.ParamSetPrimary })
	return a.askPeer(wire.ParamSetPrimary, addr)
}

// AddrsSettled tells whether the peer has answered all that was asked for.
func (a *Association) AddrsSettled() bool {
	return a.state == StateClosed || len(a.asconf.sent) == 0 && len(a.asconf.queue) == 0
}

// Locals returns the local addresses that are used.
func (a *Association) Locals() []netip.AddrPort { return slices.Clone(a.local) }

func (a *Association) closedError() error {
	if a.err != nil {
		return a.err
	}
	return ErrShutdown
}

// mayAsk tells whether the peer may be asked to change addresses: it is not
// known before the association is established.
func (a *Association) mayAsk() bool {
	if a.state == StateCookieWait {
		return a.cfg.extensions().has(extAsconf)
	}
	return a.ext.has(extAsconf)
}

// inScope tells whether an address means something to the peer: loopback
// addresses do on the same host only.
func (a *Association) inScope(addr netip.Addr) bool {
	return !addr.IsLoopback() || slices.ContainsFunc(a.paths, func(p *path) bool { return p.remote.Addr().IsLoopback() })
}

// hasSource tells whether there is an address to send from.
func (a *Association) hasSource() bool {
	return slices.ContainsFunc(a.local, func(l netip.AddrPort) bool { return a.inScope(l.Addr()) })
}

// relocate gives another source to paths which have lost theirs. It is another
// way through the network, so that what is known of the old one does not count.
// After an outage, when there was no source at all, what is in flight is sent
// again.
func (a *Association) relocate(now time.Time, outage bool) {
	if len(a.local) > 0 {
		a.asconf.stranded = nilTime
	}
	for _, p := range a.paths {
		if slices.Contains(a.local, p.local) {
			continue
		}
		local, ok := sourceFor(a.local, p.remote.Addr())
		if !ok {
			continue
		}
		p.local = local
		p.rto.init(a.cfg)
		p.cc.init(a.cfg.CongestionControl, p.ipv6())
		p.rttPending = false
		p.timeouts, p.solo = 0, false
		if p.flightSize > 0 {
			p.restartT3(now)
		}
		if outage {
			p.errorCount = 0
			a.markWhere(func(c *outChunk) bool { return c.path == p })
			a.mayExceedCwnd = true
			p.cc.openBurst(0, a.cfg.MaxBurst)
			if a.mayHeartbeat() && (p.state != PathActive || p.hb.deadline.IsZero()) {
				p.hb.asked = true
			}
		}
	}
	if outage {
		a.errorCount = 0
	}
}

// localsSince makes the association that of a cookie which was made when the
// stack had other addresses: the peer knows the one it has sent INIT to.
func (a *Association) localsSince(known netip.AddrPort) {
	all := a.local
	a.local = nil
	for _, l := range all {
		if l == known {
			a.local = []netip.AddrPort{l}
		} else {
			a.asconf.queue = append(a.asconf.queue, addrRequest{kind: wire.ParamAddIP, addr: l})
		}
	}
	if a.local == nil {
		a.asconf.queue = append(a.asconf.queue, addrRequest{kind: wire.ParamDeleteIP, addr: known})
	}
	if len(a.asconf.queue) > maxQueuedRequests {
		a.asconf.queue = a.asconf.queue[:maxQueuedRequests]
	}
}

// settleAddrs drops what a peer without ADD-IP cannot be asked for, and addresses
// that mean nothing to the peer: they are no source.
func (a *Association) settleAddrs() {
	if a.hasSource() {
		a.local = slices.DeleteFunc(slices.Clone(a.local), func(l netip.AddrPort) bool { return !a.inScope(l.Addr()) })
	}
	if !a.ext.has(extAsconf) && len(a.asconf.queue) > 0 {
		a.giveUp(func(addrRequest) bool { return true })
	}
	a.asconf.queue = slices.DeleteFunc(a.asconf.queue, func(r addrRequest) bool { return !a.inScope(r.addr.Addr()) })
}

// beingDeleted tells whether the peer has been asked to delete an address, but
// has not answered. RFC 5061, Section 5.3, F4: "ABORT Chunks arriving destined to
// the IP address being deleted MUST be ignored".
func (a *Association) beingDeleted(local netip.AddrPort) bool {
	return a.asconf.inTransit(wire.ParamDeleteIP, local) || a.asconf.queued(wire.ParamDeleteIP, local) >= 0
}
