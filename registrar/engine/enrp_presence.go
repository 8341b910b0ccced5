// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/enrp"
)

// listEvery is after how many heartbeats one peer is asked for its peer list again: servers that lost each other, but not a
// third one, find each other by it.
const listEvery = 8

// presenceMessage is what this server says of itself. What is not told to a peer does not count in the checksum for it.
//
// RFC 5353, Section 3.6.1, rule 2: "Each time an ENRP server sends out an ENRP_PRESENCE, it MUST include in the message its
// current PE checksum".
func (e *Engine) presenceMessage(to uint32, reply, long bool) *enrp.Presence {
	sum := e.space.Checksum(e.cfg.ServerID)
	if !long {
		sum = e.space.ShortChecksum(e.cfg.ServerID)
	}
	return &enrp.Presence{Header: e.header(to), ReplyRequired: reply, Checksum: &sum, Server: &e.scope.self}
}

func (e *Engine) sendPresence(a *association, to uint32, reply, long bool) {
	e.sendENRP(a, e.presenceMessage(to, reply, long))
}

// announcePresence tells all peers, and the multicast group, that this server is alive.
func (e *Engine) announcePresence(now time.Time, reply bool) {
	for _, long := range []bool{false, true} {
		e.groupcast(e.presenceMessage(0, false, long), func(p *peer) bool { return e.long(p) == long })
	}
	for _, src := range e.scope.cfg.Sources {
		if b, err := e.presenceMessage(0, reply, false).AppendBinary(nil); err == nil {
			e.out.announces.push(Announcement{Protocol: ProtocolENRP, Source: src, Data: b})
		}
	}
}

// heartbeat is what is done once in a while.
//
// RFC 5353, Section 3.4.2: "Every PEER-HEARTBEAT-CYCLE seconds, an ENRP server MUST announce its continued presence to all
// its peer with a ENRP_PRESENCE message. In the ENRP_PRESENCE message, the ENRP server MUST set the 'Replay_required' flag
// to '0', indicating that no response is required."
func (e *Engine) heartbeat(now time.Time) {
	s := e.scope
	for _, p := range s.peers {
		p.refresh(now, s.cfg.MaxTimeLastHeard)
	}
	// Who starts wants to be answered: the sooner it finds its mentor.
	e.announcePresence(now, !s.operational)
	s.heartbeatAt = now.Add(e.jitter(s.cfg.HeartbeatCycle, 8))
	s.beats++
	s.forget(now)
	if !s.operational {
		return
	}
	e.findOrphans(now)
	if n := len(s.peers); n > 0 && s.beats%listEvery == 0 {
		if p := s.peers[s.beats/listEvery%n]; p.assoc != nil {
			e.sendENRP(p.assoc, &enrp.ListRequest{Header: e.header(p.id)})
		}
	}
}

// findOrphans makes peers of servers that own something without being known: so they are found to be alive, or dead.
func (e *Engine) findOrphans(now time.Time) {
	var orphans []uint32
	for id := range e.space.Owners() {
		if id != e.cfg.ServerID && e.scope.peer(id) == nil {
			orphans = append(orphans, id)
		}
	}
	for _, id := range orphans {
		e.addPeer(now, id)
	}
}

// introduce makes sure that the peer knows this server, and is asked for its peers once.
//
// RFC 5353, Section 3.4.1: "The ENRP server MUST send an ENRP_PRESENCE message with the Reply-required flag set to '1' to
// the source address found in the arrived message."
func (e *Engine) introduce(a *association, p *peer) {
	if a.link.peer != p.id {
		return
	}
	if !a.link.introduced {
		e.introduceSelf(a, p.id, true, e.long(p))
	}
	if e.scope.operational && !a.link.asked {
		a.link.asked = true
		e.sendENRP(a, &enrp.ListRequest{Header: e.header(p.id)})
	}
}

// heard notes a sign of life that came over an association.
//
// RFC 5353, Section 3.4.3: "the value of this variable MUST be updated to the current local time every time a message of
// any type (point-to-point or announcement) is received from the corresponding peer."
func (e *Engine) heard(now time.Time, p *peer) {
	before := p.state
	p.lastHeard, p.state, p.deadline = now, PeerActive, now.Add(e.scope.cfg.MaxTimeLastHeard)
	switch before {
	case PeerNew:
		e.event(Event{Kind: EventPeerUp, Peer: p.id})
	case PeerTakeover, PeerNotActive:
		// RFC 5353, Section 3.5.1: "if it receives an ENRP_PRESENCE from the target server at any point in the arbitration
		// process, the initiating server MUST immediately stop the takeover process and mark the status of the target
		// server as "active"."
		p.outstanding, p.takenBy = nil, 0
		e.event(Event{Kind: EventTakeoverCancelled, Peer: p.id})
	}
}

// presence handles an ENRP_PRESENCE that came over an association.
func (e *Engine) presence(now time.Time, a *association, p *peer, m *enrp.Presence) {
	e.stats.Presences++
	if srv := m.Server; srv != nil && srv.ID == p.id {
		if srv.EncapPort != 0 {
			p.ours = true
		}
		// Its word counts where it agrees with the association: RSPLIB demands the same of us.
		if slices.ContainsFunc(srv.Transport.Addrs, a.peer.has) {
			e.setTarget(p, srv)
		}
		if p.target.EncapPort == 0 && p.target.Port == a.peer.Port {
			p.target.EncapPort = a.peer.EncapPort
		}
	}
	if m.ReplyRequired {
		// RFC 5353, Section 2.1: "if this message is sent in response to a received "reply required" ENRP_PRESENCE from a
		// peer, the sender then MUST include its server information."
		e.introduceSelf(a, p.id, false, e.long(p))
	}
	e.introduce(a, p) // RSPLIB rejects an ENRP_HANDLE_TABLE_REQUEST of who did not
	if m.Checksum != nil {
		p.told = m.Checksum
		e.audit(now, p, *m.Checksum)
	}
}

// multicastPresence handles an ENRP_PRESENCE that came by multicast. It makes a server known, and is a sign of life of one
// that is known. Addresses in it never replace those of an association that works: RSPLIB multicasts from all interfaces,
// also from where it does not listen.
func (e *Engine) multicastPresence(now time.Time, m *enrp.Presence) {
	srv := m.Server
	if m.Sender == 0 || m.Sender == e.cfg.ServerID || m.Receiver != 0 || srv == nil || srv.ID != m.Sender {
		return
	}
	p := e.addPeer(now, m.Sender)
	if p == nil {
		return
	}
	e.stats.Presences++
	if srv.EncapPort != 0 {
		p.ours = true
	}
	if p.assoc != nil {
		if p.state == PeerActive {
			p.lastHeard, p.deadline = now, now.Add(e.scope.cfg.MaxTimeLastHeard)
		} else {
			e.heard(now, p)
		}
		if m.ReplyRequired {
			e.sendPresence(p.assoc, p.id, false, e.long(p))
		}
		return
	}
	e.setTarget(p, srv)
	if p.state == PeerTakeover || p.state == PeerNotActive {
		e.heard(now, p)
		p.state, p.deadline = PeerProbed, now.Add(e.scope.cfg.MaxTimeNoResponse)
	}
	if p.retryAt.IsZero() || !p.retryAt.After(now) {
		e.connectPeer(now, p)
	}
}

// peersTimeout does what is due about peers.
func (e *Engine) peersTimeout(now time.Time) {
	for _, p := range slices.Clone(e.scope.peers) {
		if expired(p.notMentorUntil, now) {
			p.notMentorUntil = time.Time{}
			e.huntMentor(now)
		}
		if expired(p.sync.deadline, now) {
			e.resyncTimeout(now, p)
		}
		if expired(p.retryAt, now) && p.assoc == nil {
			e.connectPeer(now, p)
		}
		p.retryAt = unlessExpired(p.retryAt, now)
		if expired(p.deadline, now) {
			e.peerTimeout(now, p)
		}
	}
}

func unlessExpired(t, now time.Time) time.Time {
	if expired(t, now) {
		return time.Time{}
	}
	return t
}

func (e *Engine) peerTimeout(now time.Time, p *peer) {
	switch p.state {
	case PeerActive:
		// RFC 5353, Section 3.4.3: "If a peer has not been heard for more than MAX-TIME-LAST-HEARD seconds, the ENRP server
		// MUST immediately send a point-to-point ENRP_PRESENCE with the Reply_request flag set to '1' to that peer."
		e.probe(now, p)
	case PeerNew, PeerProbed:
		e.dead(now, p)
	case PeerTakeover:
		// An acknowledgement is missing: whoever did not answer within this time does not object.
		e.takeoverWon(now, p)
	case PeerNotActive:
		// Who wanted to take it over did not do it.
		e.dead(now, p)
	}
}

// probe asks a peer whether it is alive. If it was asked before, it has no more time to answer.
func (e *Engine) probe(now time.Time, p *peer) {
	if p.state != PeerProbed {
		p.state, p.deadline = PeerProbed, now.Add(e.scope.cfg.MaxTimeNoResponse)
	}
	if p.assoc != nil {
		e.sendPresence(p.assoc, p.id, true, e.long(p))
	} else {
		e.connectPeer(now, p) // and send it there
	}
}

// goneAfter is how long a peer that has ended its association may take to come back. One that goes on does so at once.
const goneAfter = time.Second

// unlinked handles that the last association with a peer has ended: it is dead, or the network has failed.
func (e *Engine) unlinked(now time.Time, p *peer, how Loss) {
	if how == LossSilent && now.Sub(p.lastHeard) >= e.scope.cfg.MaxTimeNoResponse {
		// RFC 5353, Section 3.4.3: "If the send fails or the peer does not reply after MAX-TIME-NO-RESPONSE seconds, the ENRP
		// server MUST consider the peer server dead". What failed was sent at least that long ago.
		e.dead(now, p)
		return
	}
	e.probe(now, p)
	if gone := now.Add(goneAfter); how == LossEnded && gone.Before(p.deadline) {
		p.deadline = gone
	}
}

// dead handles that a peer is dead.
func (e *Engine) dead(now time.Time, p *peer) {
	for _, st := range e.scope.statics {
		if st.connect == 0 && st.assoc == 0 && st.target.same(&p.target) {
			st.at = now.Add(minConnectPause)
		}
	}
	if p.state != PeerNew {
		e.event(Event{Kind: EventPeerDown, Peer: p.id})
	}
	// Whoever it wanted to take over is without anybody again.
	for _, q := range slices.Clone(e.scope.peers) {
		if q.state == PeerNotActive && q.takenBy == p.id && q != p {
			q.takenBy = 0
			e.dead(now, q)
		}
	}
	if e.scope.peer(p.id) != p {
		return
	}
	e.mentorFails(now, p, false)
	e.acknowledged(now, p.id)
	if e.scope.operational && e.space.NumOwned(p.id) > 0 {
		// RFC 5353, Section 3.4.3: "and SHOULD initiate the takeover procedure defined in Section 3.5."
		e.startTakeover(now, p)
		return
	}
	e.removePeer(now, p)
}
