// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An asconfState is the address reconfiguration of an association (RFC 5061):
// what this side asks the peer for, and what it has answered.
type asconfState struct {
	next                   wire.Seq // of the next ASCONF
	lastID                 uint32   // correlation identifier
	queue                  []addrRequest
	sent                   []*sentAsconf // outstanding
	t4                     retryTimer
	noAddDelete, noPrimary bool // not understood by the peer
	// stranded is when an association without a local address is given up: as
	// late as if everything sent were lost until then.
	stranded time.Time

	peerSeq  wire.Seq // 'Peer-Sequence-Number'
	acks     []cachedAck
	inPacket int // ASCONF chunks of the packet being handled
	gone     []goneAddr
}

// An addrRequest is one thing to ask the peer for: to add, delete or make
// primary an address of this side.
type addrRequest struct {
	kind wire.ParamType
	addr netip.AddrPort
	id   uint32
	void bool // deleted again, by a later ASCONF that has been answered before
}

// A sentAsconf is an ASCONF chunk that is outstanding. "One and only one SCTP
// packet-holding ASCONF Chunk(s) MAY be in transit" (RFC 5061, Section 5.1.1,
// C1): there is one, and more only when it had to be sent again.
type sentAsconf struct {
	seq      wire.Seq
	chunk    []byte
	requests []addrRequest
	at       time.Time
	source   netip.AddrPort // where it must come from, with Config.BehindNAT
	strayed  bool           // … and could not
}

// maxRequests bounds the requests in an ASCONF chunk, so that it fits with its
// AUTH chunk into every packet that need not be fragmented (576 bytes).
const maxRequests = 14

// maxBundled bounds the ASCONF chunks that are outstanding (RFC 5061, Section
// 5.5), unless what they add has gone again: then it is maxCachedAcks.
const maxBundled = 4

// maxQueuedRequests bounds what waits to be asked for: a host does not have
// more addresses than that, and the rest would be refused.
const maxQueuedRequests = 256

// begin sets the sequence numbers. RFC 5061, Section 5.1, A2: "The Sequence
// Number MUST be initialized at the start of the association to the same value
// as the Initial Transmission Sequence Number (TSN)". What is asked for
// already waits, but for deletions: INIT and INIT ACK do not list those.
func (s *asconfState) begin(local, peer wire.TSN) {
	waiting := s.unanswered()
	if len(s.sent) > 0 {
		waiting = slices.DeleteFunc(waiting, func(r addrRequest) bool { return r.kind == wire.ParamDeleteIP })
	}
	*s = asconfState{queue: waiting, next: wire.Seq(local), peerSeq: wire.Seq(peer) - 1, lastID: s.lastID, stranded: s.stranded}
}

// mayReconfigure: RFC 5061, Section 5.1.1, C4: "Both ASCONF and ASCONF-ACK
// Chunks MUST NOT be sent in any SCTP state except ESTABLISHED,
// SHUTDOWN-PENDING, SHUTDOWN-RECEIVED, and SHUTDOWN-SENT."
func (s State) mayReconfigure() bool {
	return s == StateEstablished || s == StateShutdownPending || s == StateShutdownReceived || s == StateShutdownSent
}

// ErrNoAddIP: the peer does not support the reconfiguration of addresses, or it
// was configured off.
var ErrNoAddIP = errors.New("sctp: peer does not support ADD-IP (RFC 5061)")

// A RefusedError says that the peer has refused to change an address.
type RefusedError struct {
	// Causes holds the raw error causes (wire.NextCause), if there are any: a
	// request after one that was refused has none.
	Causes []byte
}

func (e *RefusedError) Error() string {
	var b strings.Builder
	b.WriteString("sctp: address change refused by peer")
	for c := range wire.Causes(e.Causes) {
		fmt.Fprintf(&b, ": %v", c.Code)
	}
	return b.String()
}

func (s *asconfState) queued(kind wire.ParamType, addr netip.AddrPort) int {
	return slices.IndexFunc(s.queue, func(r addrRequest) bool { return r.kind == kind && r.addr == addr })
}

func (s *asconfState) inTransit(kind wire.ParamType, addr netip.AddrPort) bool {
	for _, q := range s.sent {
		if slices.ContainsFunc(q.requests, func(r addrRequest) bool { return r.kind == kind && r.addr == addr }) {
			return true
		}
	}
	return false
}

// unanswered are all requests, those in transit first.
func (s *asconfState) unanswered() (all []addrRequest) {
	for _, q := range s.sent {
		all = append(all, q.requests...)
	}
	return append(all, s.queue...)
}

// added are the addresses in transit to be added, unless they are to be deleted
// again.
func (s *asconfState) added() (all []netip.AddrPort) {
	for _, q := range s.sent {
		for _, r := range q.requests {
			if r.kind == wire.ParamAddIP && !r.void && !s.deletes(r.addr) {
				all = append(all, r.addr)
			}
		}
	}
	return all
}

// deletes tells whether what will be asked last for an address is to delete it.
func (s *asconfState) deletes(addr netip.AddrPort) (yes bool) {
	for _, r := range s.unanswered() {
		if r.addr == addr && r.kind != wire.ParamSetPrimary {
			yes = r.kind == wire.ParamDeleteIP
		}
	}
	return yes
}

// voidAdditions notes what the ASCONF sent[i] has deleted of that which earlier ones
// have added: the network may bring the answers in another order.
func (s *asconfState) voidAdditions(i int) {
	for _, d := range s.sent[i].requests {
		if d.kind != wire.ParamDeleteIP {
			continue
		}
		for _, q := range s.sent[:i] {
			for k := range q.requests {
				if r := &q.requests[k]; r.kind == wire.ParamAddIP && r.addr == d.addr {
					r.void = true
				}
			}
		}
	}
}

func (a *Association) askPeer(kind wire.ParamType, addr netip.AddrPort) error {
	if len(a.asconf.queue) >= maxQueuedRequests {
		return ErrWouldBlock
	}
	a.asconf.queue = append(a.asconf.queue, addrRequest{kind: kind, addr: addr})
	return nil
}

// nextRequests takes out of the queue what goes into the next ASCONF:
// additions first, deletions last. RFC 5061, Section 5.3, F5: "An endpoint MUST
// NOT delete its last remaining IP address from an association": deletions wait
// until another address stays or comes.
func (a *Association) nextRequests() (now []addrRequest) {
	s := &a.asconf
	added := len(s.added()) > 0
	for _, kind := range []wire.ParamType{wire.ParamAddIP, wire.ParamSetPrimary, wire.ParamDeleteIP} {
		if kind == wire.ParamDeleteIP && !added && !a.hasSource() {
			continue
		}
		s.queue = slices.DeleteFunc(s.queue, func(r addrRequest) bool {
			if r.kind != kind || len(now) >= maxRequests {
				return false
			}
			if kind == wire.ParamSetPrimary && !slices.Contains(a.local, r.addr) && !s.inTransit(wire.ParamAddIP, r.addr) &&
				!slices.ContainsFunc(now, func(o addrRequest) bool { return o.kind == wire.ParamAddIP && o.addr == r.addr }) {
				return false // Section 5.4: only "an address that is already considered part of the association"
			}
			now = append(now, r)
			added = added || kind == wire.ParamAddIP
			return true
		})
	}
	return now
}

// build makes the next ASCONF chunk, if there is something to ask for.
func (a *Association) buildAsconf(now time.Time) bool {
	s := &a.asconf
	// RFC 9260, Section 5.4, lets nothing but HEARTBEATs go to an unconfirmed
	// address, which wait for a source, when both sides have lost all they had.
	if len(s.queue) == 0 || a.dataPath().state == PathUnconfirmed && a.hasSource() {
		return false
	}
	var requests []addrRequest
	var source netip.AddrPort
	if a.cfg.BehindNAT {
		requests, source = a.nextHidden(now)
	} else {
		requests = a.nextRequests()
	}
	if len(requests) == 0 {
		return false
	}
	var params []byte
	if a.cfg.BehindNAT {
		params = a.hiddenParams(requests)
	}
	for i := range requests {
		if a.cfg.BehindNAT {
			break
		}
		r := &requests[i]
		s.lastID++
		r.id = s.lastID
		params = (&wire.AsconfRequest{Type: r.kind, ID: r.id, Address: r.addr.Addr()}).Append(params)
	}
	chunk := wire.Asconf{Seq: s.next, Address: a.knownAddress(requests), Params: params}
	if len(s.sent) == 0 {
		s.t4.begin()
	}
	s.sent = append(s.sent, &sentAsconf{seq: s.next, chunk: chunk.Append(nil), requests: requests, source: source})
	s.next++
	return true
}

// knownAddress is one of ours that the peer knows. RFC 5061, Section 5.3.2: "the
// sender MUST fill in the Address Parameter field with an address that is part
// of the association (in this case, the one being deleted)."
func (a *Association) knownAddress(requests []addrRequest) netip.Addr {
	if a.cfg.BehindNAT {
		return wildcard(requests[0].addr.Addr())
	}
	for _, l := range a.local {
		if a.inScope(l.Addr()) {
			return l.Addr()
		}
	}
	for _, r := range requests {
		if r.kind == wire.ParamDeleteIP {
			return r.addr.Addr()
		}
	}
	return netip.IPv4Unspecified()
}

// transmitAsconf sends the ASCONF chunk when it is due.
func (a *Association) transmitAsconf(now time.Time, buf []byte) (Transmit, bool) {
	s := &a.asconf
	if len(s.sent) == 0 && len(s.queue) == 0 || !a.state.mayReconfigure() || !a.ext.has(extAsconf) {
		return Transmit{}, false
	}
	if len(s.sent) == 0 && !a.buildAsconf(now) || !s.t4.due {
		return Transmit{}, false
	}
	stuck := !a.hasSource() && len(s.added()) == 0
	if !a.cfg.BehindNAT && (len(s.sent) < maxBundled || stuck && len(s.sent) < maxCachedAcks) && (s.t4.expired > 0 || !a.hasSource()) {
		// RFC 5061, Section 5.5: "in the event of the loss of an SCTP packet
		// containing either an ASCONF or ASCONF-ACK, it is allowable for a sender to
		// bundle additional ASCONFs in the retransmission." An address that is added
		// now may be the only one to send from.
		a.buildAsconf(now)
	}
	p, local := a.asconfRoute()
	if a.cfg.BehindNAT {
		p, local = a.hiddenRoute(now)
	}
	if p == nil {
		s.t4.sent(now, a.dataPath()) // nothing can go out: see after an RTO
		return Transmit{}, false
	}
	k := a.begin(p, buf, a.peerTag)
	k.local, k.auth = local, true
	k.max -= a.authLen() - a.authReserve()
	for i, q := range s.sent { // "from the lowest to highest ASCONF Sequence Number"
		if i > 0 && len(q.chunk) > k.room() {
			break
		}
		k.b = append(k.b, q.chunk...)
		q.at = now
		a.stats.AsconfsSent++
	}
	s.t4.sent(now, p)
	return k.end()
}

// asconfRoute chooses where an ASCONF goes and from which address. The first
// time it takes the way of data; after timeouts the other paths, then the
// addresses to be added as source. RFC 5061, Section 5.3, F1: "the sender MUST
// NOT use the new IP address as a source for ANY SCTP packet except on carrying
// an ASCONF Chunk."
func (a *Association) asconfRoute() (p *path, local netip.AddrPort) {
	s := &a.asconf
	p = a.dataPath()
	if s.t4.expired > 0 && s.t4.path != nil {
		p = a.retransmitPath(s.t4.path)
	}
	sources := [][]netip.AddrPort{a.local, s.added()}
	if (s.t4.expired/len(a.paths))%2 == 1 {
		slices.Reverse(sources)
	}
	for _, from := range sources {
		if slices.Contains(from, p.local) {
			return p, p.local
		}
		if l, ok := sourceFor(from, p.remote.Addr()); ok {
			return p, l
		}
	}
	for _, q := range a.paths {
		for _, from := range sources {
			if l, ok := sourceFor(from, q.remote.Addr()); ok && (q.state != PathUnconfirmed || !a.anyConfirmed()) {
				return q, l
			}
		}
	}
	return nil, local
}

// onT4Expiry: RFC 5061, Section 5.1, B1 to B5.
func (a *Association) onT4Expiry(now time.Time) {
	p := a.asconf.t4.path
	p.rto.backOff()
	a.strike(now, p, true)
}

// handleAsconfAck takes the answers to what was asked for.
func (a *Association) handleAsconfAck(now time.Time, c wire.Chunk) {
	ack, err := wire.ParseAsconfAck(c)
	if err != nil {
		a.stats.BadPackets++
		return
	}
	s := &a.asconf
	if len(s.sent) == 0 {
		if s.next.LessEq(ack.Seq) {
			// RFC 5061, Section 5.3, F0: "the endpoint MUST ABORT the association."
			a.abort(now, "ASCONF-ACK for what was never sent", wire.AppendCause(nil, wire.CauseIllegalAsconfAck, nil))
		}
		return
	}
	i := slices.IndexFunc(s.sent, func(q *sentAsconf) bool { return q.seq == ack.Seq })
	if i < 0 {
		return
	}
	sent := s.sent[i]
	// Section 5.1, A5: "the sender MUST stop the T-4 RTO timer, and clear the
	// appropriate association and destination error counters".
	a.errorCount = 0
	if p := s.t4.path; p != nil {
		if s.t4.expired == 0 {
			p.rto.measure(now.Sub(sent.at))
		}
		if p.clear() {
			a.pathEvent(p)
		}
	}
	s.voidAdditions(i)
	s.sent = slices.Delete(s.sent, i, i+1)
	s.t4.stop()
	if len(s.sent) > 0 {
		s.t4.begin() // the others' answers did not fit or were lost
	}
	if sent.strayed && a.askAgain(sent, ack.Params) {
		return
	}
	a.settle(now, sent.requests, ack.Params)
}

// settle acts on the responses. RFC 5061, Section 5.1, A7: "If an error response
// is received for a TLV parameter, all TLVs with no response before the failed
// TLV are considered successful if not reported. All TLVs after the failed
// response are considered unsuccessful unless a specific success indication is
// present for the parameter."
func (a *Association) settle(now time.Time, requests []addrRequest, responses []byte) {
	outage := !a.hasSource()
	failed := false
	for _, r := range requests {
		resp, answered := responseTo(r.id, responses)
		ok := !failed
		if answered {
			ok = len(resp.Causes) == 0
			failed = failed || !ok
		}
		if ok {
			a.granted(r)
			continue
		}
		if hasCause(resp.Causes, wire.CauseUnrecognizedParams) {
			a.notUnderstood(r.kind)
		}
		a.localEvent(r, &RefusedError{Causes: slices.Clone(resp.Causes)})
	}
	a.relocate(now, outage && a.hasSource())
}

func responseTo(id uint32, responses []byte) (r wire.AsconfResponse, ok bool) {
	for prm := range wire.Params(responses) {
		if r, err := prm.AsconfResponse(); err == nil && r.ID == id {
			return r, true
		}
	}
	return r, false
}

// granted is a request that the peer has fulfilled.
func (a *Association) granted(r addrRequest) {
	// Section 5.3, F2: "After the ASCONF-ACK of an IP address Add arrives, the
	// endpoint MAY begin using the added IP address as a source address for any type
	// of SCTP chunk." Unless it has been removed here since.
	if r.kind == wire.ParamAddIP && !r.void && !a.asconf.deletes(r.addr) && !slices.Contains(a.local, r.addr) {
		a.local = append(slices.Clip(a.local), r.addr)
	}
	a.localEvent(r, nil)
}

// notUnderstood: Section 5.3, F3a: the endpoint "MUST NOT attempt to send any
// subsequent Add or Delete requests to the peer", and F3b for Set Primary.
func (a *Association) notUnderstood(kind wire.ParamType) {
	s := &a.asconf
	if kind == wire.ParamSetPrimary {
		s.noPrimary = true
	} else {
		s.noAddDelete = true
	}
	a.giveUp(func(r addrRequest) bool { return (r.kind == wire.ParamSetPrimary) == (kind == wire.ParamSetPrimary) })
}

// giveUp drops requests that the peer will not take.
func (a *Association) giveUp(match func(addrRequest) bool) {
	old := a.asconf.queue
	a.asconf.queue = nil
	for _, r := range old {
		if match(r) {
			a.localEvent(r, ErrNoAddIP)
		} else {
			a.asconf.queue = append(a.asconf.queue, r)
		}
	}
}

// onAsconfUnknown: Section 5.1, A9: "If the peer responds to an ASCONF with an
// ERROR Chunk reporting that it did not recognize the ASCONF Chunk Type, the
// sender of the ASCONF MUST NOT send any further ASCONF Chunks and MUST stop
// its T-4 timer."
func (a *Association) onAsconfUnknown() {
	s := &a.asconf
	if len(s.sent) == 0 {
		return
	}
	a.ext &^= extAsconf
	s.queue = s.unanswered()
	s.sent = nil
	s.t4.stop()
	a.giveUp(func(addrRequest) bool { return true })
}

// reportsAsconf tells whether error causes say that ASCONF is not known.
func reportsAsconf(causes []byte) bool {
	for c := range wire.Causes(causes) {
		if t, err := c.UnrecognizedChunk(); err == nil && t == wire.ChunkAsconf {
			return true
		}
	}
	return false
}

// An AddrChange is what happened to an address.
type AddrChange uint8

const (
	// AddrAdded: it is part of the association now.
	AddrAdded AddrChange = iota
	// AddrRemoved: it is not any more.
	AddrRemoved
	// AddrPrimary: it is where data goes.
	AddrPrimary
)

func (c AddrChange) String() string {
	switch c {
	case AddrAdded:
		return "added"
	case AddrRemoved:
		return "removed"
	case AddrPrimary:
		return "made primary"
	}
	return "invalid"
}

// EventLocalAddr reports the peer's answer to AddLocal, RemoveLocal or
// SetPeerPrimary.
type EventLocalAddr struct {
	Local  netip.AddrPort
	Change AddrChange
	// Err is nil if the peer has done it, else *RefusedError or ErrNoAddIP.
	Err error
}

// EventPeerAddr reports a change that the peer has asked for (RFC 6458, Section
// 6.1.2: SCTP_ADDR_ADDED, SCTP_ADDR_REMOVED, SCTP_ADDR_MADE_PRIM). An address
// that was added is used after EventPathChange says that it is active.
type EventPeerAddr struct {
	Remote netip.AddrPort
	Change AddrChange
}

func (EventLocalAddr) event() {}
func (EventPeerAddr) event()  {}

func (a *Association) localEvent(r addrRequest, err error) {
	a.event(EventLocalAddr{Local: r.addr, Change: changeOf(r.kind), Err: err})
}

func changeOf(kind wire.ParamType) AddrChange {
	switch kind {
	case wire.ParamDeleteIP:
		return AddrRemoved
	case wire.ParamSetPrimary:
		return AddrPrimary
	}
	return AddrAdded
}
