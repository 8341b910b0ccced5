// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A cachedAck is an ASCONF-ACK kept in case it is lost.
type cachedAck struct {
	seq   wire.Seq
	chunk []byte
}

const (
	// maxCachedAcks bounds the answers kept: those to the ASCONF chunks of one
	// packet. A sender has one outstanding, and a few more after a timeout.
	maxCachedAcks = 16
	// maxResponses bounds the responses in an ASCONF-ACK in bytes, so that it fits
	// a packet. What is left out counts as refused (RFC 5061, Section 5.1, A7).
	maxResponses = 400
)

// A goneAddr is an address that the peer has removed. Packets that were under
// way from there are dropped, not answered by an ABORT. RFC 5061, Section 5.3:
// "If the endpoint elects to hold the IP address valid for a period of time, it
// MUST NOT hold it valid longer than 2 RTO intervals for the destination being
// removed."
type goneAddr struct {
	remote netip.AddrPort
	until  time.Time
}

// handleAsconf does what the peer asks for (RFC 5061, Section 5.2). It tells
// whether to go on with the packet.
func (a *Association) handleAsconf(now time.Time, d Datagram, c wire.Chunk) bool {
	if !a.state.mayReconfigure() {
		return true
	}
	q, err := wire.ParseAsconf(c)
	if err != nil {
		a.abortViolation(now, "malformed ASCONF chunk")
		return false
	}
	s := &a.asconf
	s.inPacket++
	switch next := s.peerSeq + 1; {
	case q.Seq == next: // E1, E4
		if s.inPacket == 1 {
			s.acks = nil
		}
		ack := wire.AsconfAck{Seq: q.Seq, Params: a.reconfigure(now, d, q.Params)}
		s.peerSeq = q.Seq
		if len(s.acks) == maxCachedAcks {
			s.acks = s.acks[1:]
		}
		s.acks = append(s.acks, cachedAck{q.Seq, ack.Append(nil)})
		a.replyAsconfAck(d, s.acks[len(s.acks)-1].chunk)
	case q.Seq.Less(next):
		// E2: "include in the outbound response packet any previously cached
		// ASCONF-ACK response that was sent and saved that matches the Sequence
		// Number of the ASCONF."
		if i := slices.IndexFunc(s.acks, func(k cachedAck) bool { return k.seq == q.Seq }); i >= 0 {
			a.replyAsconfAck(d, s.acks[i].chunk)
		}
	default:
		a.stats.BadPackets++ // E5: "either a stale packet or from an attacker"
	}
	return true
}

// replyAsconfAck: E6: "The destination address of the SCTP packet containing the
// ASCONF-ACK Chunks MUST be the source address of the SCTP packet that held the
// ASCONF Chunks." If it is new, the HEARTBEAT that verifies it goes along.
func (a *Association) replyAsconfAck(d Datagram, chunk []byte) {
	if p := a.pathTo(d.Remote.Addr()); p != nil && len(a.local) > 0 {
		a.reply(p, chunk)
		return
	}
	a.replyAlone(d, a.peerTag, chunk)
}

// reconfigure processes the requests in their order and returns the responses:
// errors, and after the first of them what has succeeded.
func (a *Association) reconfigure(now time.Time, d Datagram, params []byte) (out []byte) {
	failed, addrFailed := false, false
	for prm := range wire.Params(params) {
		var id uint32
		if len(prm.Value) >= 4 {
			id = binary.BigEndian.Uint32(prm.Value)
		}
		r, err := prm.AsconfRequest()
		stop := false
		var causes []byte
		switch {
		case prm.Type != wire.ParamAddIP && prm.Type != wire.ParamDeleteIP && prm.Type != wire.ParamSetPrimary:
			// V2: "To indicate an unrecognized parameter, Cause Type 8 should be used".
			act := prm.Type.UnknownAction()
			stop = act.Stop
			if !act.Report {
				if stop {
					return out
				}
				continue
			}
			causes = wire.AppendUnrecognizedParams(nil, prm.Raw[:min(len(prm.Raw), maxReported/4)])
		case err != nil:
			causes = wire.AppendInvalidMandatoryParam(nil)
		case prm.Type == wire.ParamSetPrimary:
			causes = a.setPrimaryAsked(d, r.Address, prm.Raw)
		case addrFailed:
			// F11: "once a receiver begins failing any ADD or DELETE request, it must
			// fail all subsequent ADD or DELETE requests contained in that single
			// ASCONF."
			causes = wire.AppendCause(nil, wire.CauseResourceShortage, prm.Raw)
		case prm.Type == wire.ParamAddIP:
			causes = a.addAsked(d, r.Address, prm.Raw)
			addrFailed = causes != nil
		default:
			causes = a.deleteAsked(now, d, r.Address, prm.Raw)
			addrFailed = causes != nil
		}
		failed = failed || causes != nil
		if failed && len(out) < maxResponses {
			out = (&wire.AsconfResponse{ID: id, Causes: causes}).Append(out)
		}
		if stop {
			break
		}
	}
	return out
}

// addAsked adds an address of the peer. RFC 5061, Section 5.3, F14: "All
// addresses added by the reception of an ASCONF Chunk MUST be put into the
// UNCONFIRMED state and MUST have path verification performed on them before the
// address can be used". Its UDP port is taken to be that of this packet, and
// learned from what comes from there.
func (a *Association) addAsked(d Datagram, addr netip.Addr, raw []byte) (causes []byte) {
	addr = addr.Unmap()
	if addr.IsUnspecified() {
		addr = d.Remote.Addr() // Section 4.2.1: "the source address of the packet MUST be added"
	}
	switch {
	case a.pathTo(addr) != nil:
		return nil
	case !acceptable(addr, d.Remote.Addr()):
		return wire.AppendUnresolvableAddress(nil, raw)
	case len(a.paths) >= a.cfg.MaxPaths || !familiesOf(append([]netip.AddrPort{d.Local}, a.local...)).has(addr):
		return wire.AppendCause(nil, wire.CauseResourceShortage, raw) // F9
	}
	remote := netip.AddrPortFrom(addr, d.Remote.Port())
	p := a.addPath(remote, PathUnconfirmed)
	switch {
	case p == nil:
		p = a.addPathFrom(d.Local, remote, PathUnconfirmed) // our addresses change, too: see relocate
	case addr == d.Remote.Addr() && slices.Contains(a.local, d.Local):
		p.local = d.Local
	}
	a.asconf.gone = slices.DeleteFunc(a.asconf.gone, func(g goneAddr) bool { return g.remote.Addr() == addr })
	p.hb.asked = a.mayHeartbeat()
	a.peerEvent(p.remote, AddrAdded)
	return nil
}

// deleteAsked removes an address of the peer.
func (a *Association) deleteAsked(now time.Time, d Datagram, addr netip.Addr, raw []byte) (causes []byte) {
	addr = addr.Unmap()
	source := a.pathTo(d.Remote.Addr())
	if addr.IsUnspecified() {
		// Section 4.2.2: "all addresses of the peer except the source address of the
		// packet MUST be deleted."
		if source == nil {
			return wire.AppendCause(nil, wire.CauseDeleteLastAddress, raw)
		}
		for _, p := range slices.Clone(a.paths) {
			if p != source {
				a.removePath(now, p)
			}
		}
		return nil
	}
	p := a.pathTo(addr)
	switch {
	case p == nil:
		return nil // it is no part of the association, as was asked for
	case len(a.paths) == 1:
		return wire.AppendCause(nil, wire.CauseDeleteLastAddress, raw) // F7
	case p == source:
		return wire.AppendCause(nil, wire.CauseDeleteSourceAddress, raw) // F8
	}
	a.removePath(now, p)
	return nil
}

// setPrimaryAsked makes an address the primary one, when it is confirmed. RFC
// 5061, Section 5.4: "If a request arrives that asks the receiver to set an
// address as primary that does not exist, the receiver SHOULD NOT honor the
// request".
func (a *Association) setPrimaryAsked(d Datagram, addr netip.Addr, raw []byte) (causes []byte) {
	addr = addr.Unmap()
	if addr.IsUnspecified() {
		addr = d.Remote.Addr()
	}
	p := a.pathTo(addr)
	if p == nil {
		return wire.AppendUnresolvableAddress(nil, raw)
	}
	a.primaryWanted = p
	a.grantPrimary(p)
	return nil
}

// grantPrimary makes the path the primary one that the peer has asked for.
func (a *Association) grantPrimary(p *path) {
	if a.primaryWanted != p || p.state == PathUnconfirmed {
		return
	}
	a.primaryWanted = nil
	if a.primary != p {
		a.primary, a.dataPathCurrent = p, nil
		a.peerEvent(p.remote, AddrPrimary)
	}
}

func (a *Association) peerEvent(remote netip.AddrPort, c AddrChange) {
	if len(a.events) < maxPeerErrors {
		a.event(EventPeerAddr{Remote: remote, Change: c})
	}
}

// removePath forgets an address of the peer. RFC 5061, Section 5.3, F13: "It MUST
// NOT send SCTP packets for the association to that address". What was in
// flight there is sent again.
func (a *Association) removePath(now time.Time, p *path) {
	a.paths = slices.DeleteFunc(slices.Clone(a.paths), func(q *path) bool { return q == p })
	for i, q := range a.paths {
		q.index = i
	}
	if a.primaryWanted == p {
		a.primaryWanted = nil
	}
	if a.dataPathCurrent == p {
		a.dataPathCurrent = nil
	}
	if a.primary == p {
		a.primary = a.heir()
		a.dataPathCurrent = nil
	}
	to := a.dataPath()
	a.moveOutstanding(p, to)
	if a.ack.from == p {
		a.ack.from = nil
	}
	for _, t := range []*retryTimer{&a.t1, &a.t2, &a.asconf.t4} {
		if t.path == p {
			t.path = to
		}
	}
	a.replies = slices.DeleteFunc(a.replies, func(r outReply) bool { return !r.alone && r.path == p })
	if len(a.asconf.gone) < a.cfg.MaxPaths {
		a.asconf.gone = append(a.asconf.gone, goneAddr{p.remote, now.Add(2 * p.rto.rto)})
	}
	a.amdcsCache, a.identityChanged = 0, true
	a.peerEvent(p.remote, AddrRemoved)
}

// heir is the primary path after the old one: F12: "it is an implementation
// decision as to how that endpoint chooses the new primary address."
func (a *Association) heir() *path {
	if p := a.bestOther(nil); p != nil {
		return p
	}
	for _, p := range a.paths {
		if p.state != PathUnconfirmed {
			return p
		}
	}
	return a.paths[0]
}

// moveOutstanding lets what was sent on a path that is no more be sent again on
// another.
func (a *Association) moveOutstanding(p, to *path) {
	for tsn := a.out.cumAck.Add(1); tsn != a.out.next; tsn = tsn.Add(1) {
		c := a.out.at(tsn)
		if c.path != p {
			continue
		}
		if c.state == chunkInFlight {
			a.out.mark(c)
		}
		c.path = to
	}
	a.retransmitFrom = a.out.cumAck.Add(1)
	p.stopT3()
	a.forward.due = true // its timer has stopped
	to.cc.openBurst(0, a.cfg.MaxBurst)
	a.mayExceedCwnd = true
}

// forgetGone lets go of addresses whose time is over, and returns when the next
// one's is.
func (s *asconfState) forgetGone(now time.Time) (any bool) {
	n := len(s.gone)
	s.gone = slices.DeleteFunc(s.gone, func(g goneAddr) bool { return !g.until.After(now) })
	return len(s.gone) != n
}

// handleFromElsewhere takes a packet with our tag from an address that is none of
// the peer's: it may be adding that. RFC 5061, Section 5.2, D5: "Prior to finding
// the ASCONF chunk, the receiver MUST encounter an AUTH chunk". What is before,
// and all that follows as long as the address is not added, is dropped.
func (a *Association) handleFromElsewhere(now time.Time, d Datagram) {
	if !a.ext.has(extAsconf) {
		return
	}
	authentic := false
	for b := d.Data[wire.HeaderLen:]; len(b) > 0 && a.state != StateClosed; {
		c, rest, err := wire.NextChunk(b)
		if err != nil {
			return
		}
		b = rest
		switch {
		case c.Type == wire.ChunkAuth:
			if authentic || !a.handleAuth(nil, c, rest) {
				return
			}
			authentic = true
		case c.Type == wire.ChunkAsconf && authentic:
			a.stats.PacketsReceived++
			if !a.handleAsconf(now, d, c) || a.state == StateClosed {
				return
			}
			if p := a.pathTo(d.Remote.Addr()); p != nil {
				a.learnPort(p, d)
				a.answerOver(p)
				a.handleChunks(now, d, p, b, true)
				return
			}
		}
	}
}

// answerOver bundles the answers to a packet from elsewhere, E6: "send back the
// accumulated single response packet with all of the ASCONF-ACK Chunks", when its
// source has become a path.
func (a *Association) answerOver(p *path) {
	for i, r := range a.replies {
		if len(a.local) > 0 && r.alone && r.remote == p.remote && wire.ChunkType(r.chunk[0]) == wire.ChunkAsconfAck {
			a.replies[i] = outReply{path: p, chunk: r.chunk}
		}
	}
}

// namedByAsconf tells whether a packet from an unknown address may be for the
// association because an ASCONF in it says so. RFC 5061, Section 5.2, D2: "use
// the address found in the Address Parameter TLV combined with the port number
// found in the SCTP common header." Section 4.1.1: "If the address 0.0.0.0 or
// ::0 is provided, the receiver MAY lookup the association by other information
// provided in the packet": its Verification Tag.
func (x *index) namedByAsconf(packet []byte) bool {
	authentic := false
	for c, err := range wire.Chunks(packet[wire.HeaderLen:]) {
		if err != nil {
			return false
		}
		switch c.Type {
		case wire.ChunkAuth:
			authentic = true
		case wire.ChunkAsconf:
			if !authentic {
				return false
			}
			if q, err := wire.ParseAsconf(c); err == nil && (q.Address.IsUnspecified() || x.has(q.Address.Unmap())) {
				return true
			}
		}
	}
	return false
}
