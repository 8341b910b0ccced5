// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
)

// A scope is what a registrar knows of the operational scope: its peers and what it has to do with them.
type scope struct {
	cfg  ENRP
	self param.ServerInformation

	peers    []*peer // in the order of their identifiers
	statics  []*static
	pending  []*connect // ENRP connects without an answer, in the order of their identifiers
	adopting map[uint64]*adoption
	// endpoints are the ASAP associations by the primary addresses of their peers; of several, the newest.
	endpoints map[endpoint]*association
	lastID    uint64 // of a connect

	operational bool
	mentor      mentor
	heartbeatAt time.Time
	beats       int // heartbeats so far
	adoptions   adoptions
	conquests   []*conquest  // in the order of their times
	suggestions []suggestion // in the order of their times

	due time.Time // when enrpTimeout has something to do; zero: never
}

func newScope(now time.Time, cfg ENRP, id uint32) *scope {
	s := &scope{cfg: cfg, adopting: make(map[uint64]*adoption), endpoints: make(map[endpoint]*association), heartbeatAt: now}
	s.self = cfg.Self.information(id)
	s.adoptions.init()
	for _, t := range cfg.Static {
		s.statics = append(s.statics, &static{target: t, at: now})
	}
	s.mentor.until = now
	if len(cfg.Static)+len(cfg.Sources) > 0 {
		s.mentor.until = now.Add(cfg.MentorDiscovery)
	}
	// RFC 5353, Section 3.2.2.1: "If no existing peer server is specified, the initiating server MUST assume that it is
	// alone in the operational scope". That is when the first timeout comes, at now.
	s.due = now
	return s
}

// HandleENRP handles a message that came over an association with the payload protocol identifier of ENRP. The bytes are
// not kept.
func (e *Engine) HandleENRP(now time.Time, assoc uint64, b []byte) {
	a := e.assocs[assoc]
	if a == nil || a.proto != ProtocolENRP {
		return
	}
	if len(b) >= 12 {
		// RFC 5353, Section 2.1: "This is the ID of the ENRP server to which this message is intended."
		if to := binary.BigEndian.Uint32(b[8:]); to != 0 && to != e.cfg.ServerID {
			e.stats.Ignored++
			return
		}
	}
	m, reports, err := enrp.Parse(b)
	if err != nil {
		e.stats.BadMessages++
		e.event(Event{Kind: EventBadMessage, Assoc: assoc, Err: err})
	}
	var p *peer
	if m != nil {
		if p = e.identify(now, a, m.From()); p != nil {
			e.heard(now, p)
			e.handleENRP(now, a, p, m)
		}
	}
	// RFC 5353, Section 3.7: "if an error report to the message sender is needed, the ENRP server that discovered the error
	// SHOULD send back an ENRP_ERROR message with a proper error cause code."
	if len(reports) > 0 && e.assocs[assoc] == a {
		r := &enrp.Error{Header: enrp.Header{Sender: e.cfg.ServerID}, Errors: reports}
		if p != nil {
			r.Receiver = p.id
		}
		e.sendENRP(a, r)
	}
	e.rearm()
}

func (e *Engine) handleENRP(now time.Time, a *association, p *peer, m enrp.Message) {
	switch m := m.(type) {
	case *enrp.Presence:
		e.presence(now, a, p, m)
	case *enrp.ListRequest:
		e.listRequest(a, p)
	case *enrp.ListResponse:
		e.listResponse(now, p, m)
	case *enrp.HandleTableRequest:
		e.tableRequest(now, a, p, m)
	case *enrp.HandleTableResponse:
		e.tableResponse(now, p, m)
	case *enrp.HandleUpdate:
		e.handleUpdate(now, p, m)
	case *enrp.InitTakeover:
		e.initTakeover(now, a, p, m.Target)
	case *enrp.InitTakeoverAck:
		e.initTakeoverAck(now, p, m.Target)
	case *enrp.TakeoverServer:
		e.takeoverServer(now, p, m.Target)
	case *enrp.Capabilities:
		p.capable(m.Can)
	case *enrp.Error:
		e.event(Event{Kind: EventPeerError, Assoc: a.id, Peer: p.id, Err: m.Errors})
	}
	e.introduce(a, p)
	e.huntMentor(now)
}

// HandleENRPDatagram handles a datagram that came to the multicast group of the ENRP servers: a presence.
func (e *Engine) HandleENRPDatagram(now time.Time, src netip.AddrPort, b []byte) {
	if e.scope == nil {
		return
	}
	m, _, err := enrp.Parse(b)
	if err != nil {
		e.stats.BadMessages++
		return
	}
	if m, ok := m.(*enrp.Presence); ok {
		e.multicastPresence(now, m)
		e.rearm()
	}
}

// enrpTimeout does what is due in the scope.
func (e *Engine) enrpTimeout(now time.Time) {
	s := e.scope
	if s == nil || s.due.IsZero() || s.due.After(now) {
		return
	}
	if !s.operational {
		e.mentorTimeout(now)
	}
	e.peersTimeout(now)
	e.staticsTimeout(now)
	e.adoptionsTimeout(now)
	e.suggestionsTimeout(now)
	if !s.heartbeatAt.After(now) {
		e.heartbeat(now)
	}
	e.rearm()
}

// rearm finds out when enrpTimeout is due.
func (e *Engine) rearm() {
	s := e.scope
	if s == nil {
		return
	}
	var d earliest
	d.add(s.heartbeatAt)
	if !s.operational {
		if s.mentor.id == 0 {
			d.add(s.mentor.until)
		}
		d.add(s.mentor.deadline)
	}
	for _, p := range s.peers {
		p.deadlines(&d)
	}
	for _, st := range s.statics {
		if st.connect == 0 {
			d.add(st.at)
		}
	}
	if len(s.suggestions) > 0 {
		d.add(s.suggestions[0].at)
	}
	for _, ad := range s.adoptions.running {
		d.add(ad.until)
	}
	s.due = d.at
}

// earliest is the earliest of the times added; the zero time means never.
type earliest struct{ at time.Time }

func (d *earliest) add(t time.Time) {
	if !t.IsZero() && (d.at.IsZero() || t.Before(d.at)) {
		d.at = t
	}
}

// expired reports whether a deadline, which may be none, is there.
func expired(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// header is the fixed part of a message to a peer; 0 for all.
func (e *Engine) header(to uint32) enrp.Header {
	return enrp.Header{Sender: e.cfg.ServerID, Receiver: to}
}

// sendENRP queues a message. What cannot be encoded is an error report that quotes too much.
func (e *Engine) sendENRP(a *association, m enrp.Message) {
	if e.out.push(a, m) {
		return
	}
	if r, ok := m.(*enrp.Error); ok {
		for i := range r.Errors {
			r.Errors[i].Info = nil
		}
		e.out.push(a, r)
	}
}

// groupcast sends a message to those of the peers that are reached and wanted. It is encoded once.
//
// RFC 5353, Section 1.1: "In a \"group-cast\", the sending server sends multiple copies of the message, one to each of its
// peer servers, over a set of point-to-point Stream Control Transmission Protocol (SCTP) associations between the sending
// server and the peers."
func (e *Engine) groupcast(m enrp.Message, want func(p *peer) bool) {
	from, to := 0, 0
	for _, p := range e.scope.peers {
		if p.assoc == nil || want != nil && !want(p) {
			continue
		}
		if to == 0 {
			if !e.out.push(p.assoc, m) {
				return
			}
			last := e.out.transmits[len(e.out.transmits)-1]
			from, to = last.from, last.to
			continue
		}
		e.out.again(p.assoc, from, to)
	}
}

// Peers returns what is known of other registrars, in the order of their identifiers.
func (e *Engine) Peers() (list []PeerInfo) {
	if e.scope == nil {
		return nil
	}
	for _, p := range e.scope.peers {
		i := PeerInfo{ID: p.id, State: p.state, Target: p.target, LastHeard: p.lastHeard,
			Elements: e.space.NumOwned(p.id), Checksum: e.space.Checksum(p.id), Can: p.can, Told: p.told}
		if p.assoc != nil {
			i.Assoc = p.assoc.id
		}
		list = append(list, i)
	}
	return list
}

// Operational reports whether the initialization of RFC 5353, Section 3.2 is complete.
func (e *Engine) Operational() bool { return e.scope == nil || e.scope.operational }

// A PeerState says what is thought of a peer.
type PeerState uint8

// The states of peers.
const (
	PeerNew       PeerState = iota // heard of, but not from, over an association
	PeerActive                     // alive
	PeerProbed                     // asked whether it is alive
	PeerTakeover                   // dead; its pool elements are being taken over by this registrar
	PeerNotActive                  // another registrar takes its pool elements over
)

func (s PeerState) String() string {
	names := [...]string{"new", "active", "probed", "being taken over", "not active"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// A PeerInfo says what is known of another registrar.
type PeerInfo struct {
	ID        uint32
	State     PeerState
	Target    Target    // where it is reached
	Assoc     uint64    // over which; 0 if over none
	LastHeard time.Time // "peer_last_heard"; zero if never
	Elements  int       // that it owns
	Checksum  param.PEChecksum
	Can       enrp.Capability   // that it has told; 0: nothing, as RSPLIB
	Told      *param.PEChecksum // the checksum in its last presence over an association; nil: none came
}

// Agrees reports whether the peer is alive, and owns what it is known here to own, as far as the checksum tells.
func (p *PeerInfo) Agrees() bool {
	return p.State == PeerActive && p.Told != nil && *p.Told == p.Checksum
}

// Checksum returns the PE checksum of this registrar: "pe_checksum_pr0" of RFC 5353, Section 3.6.1.
func (e *Engine) Checksum() param.PEChecksum { return e.space.Checksum(e.cfg.ServerID) }
