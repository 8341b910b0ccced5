// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

const (
	// maxPeerAssocs is how many associations one peer may have: two after a simultaneous set-up, two more while those are
	// found to be dead.
	maxPeerAssocs = 4

	// minConnectPause and maxConnectPause bound the back-off of attempts to reach a peer.
	minConnectPause = time.Second
	maxConnectPause = 30 * time.Second
)

// A peer is another ENRP server: an entry of the peer list.
//
// RFC 5353, Section 3.4: "An ENRP server MUST keep an internal record on the status of each of its known peers."
type peer struct {
	id        uint32
	target    Target         // where to connect to; none if it has no port
	links     []*association // on which it has identified itself
	assoc     *association   // of these, the one to send over; nil: none
	state     PeerState
	lastHeard time.Time         // "peer_last_heard"
	deadline  time.Time         // what it means depends on the state
	told      *param.PEChecksum // by its last presence over an association

	connect uint64        // under way; 0: none
	retryAt time.Time     // next connect; zero: when there is a reason
	pause   time.Duration // after the next failure

	// ours says that the peer has sent what RSPLIB does not know: it may get long handles and large messages.
	ours bool
	can  enrp.Capability // that it has told; 0: nothing

	notMentorUntil time.Time
	download       download // by the peer, from here
	sync           resync   // with the peer

	outstanding []uint32 // in PeerTakeover: who has not acknowledged
	takenBy     uint32   // in PeerNotActive
}

func (p *peer) deadlines(d *earliest) {
	d.add(p.deadline)
	d.add(p.retryAt)
	d.add(p.sync.deadline)
	d.add(p.notMentorUntil)
}

// A link is what an ENRP association has beyond others.
type link struct {
	peer       uint32 // the sender of the first message; 0: none yet
	expected   uint32 // who should be there; 0: anyone
	outbound   bool
	introduced bool // by a presence
	asked      bool // for the peer list
	heard      time.Time
}

// alive reports whether the peer takes part in the scope, as far as is known.
func (p *peer) alive() bool { return p.state == PeerActive || p.state == PeerProbed }

func (s *scope) index(id uint32) (int, bool) {
	return slices.BinarySearchFunc(s.peers, id, func(p *peer, id uint32) int {
		switch {
		case p.id < id:
			return -1
		case p.id > id:
			return 1
		}
		return 0
	})
}

func (s *scope) peer(id uint32) *peer {
	if i, ok := s.index(id); ok {
		return s.peers[i]
	}
	return nil
}

// addPeer enters a peer into the peer list; nil if there are too many.
func (e *Engine) addPeer(now time.Time, id uint32) *peer {
	s := e.scope
	i, ok := s.index(id)
	if ok {
		return s.peers[i]
	}
	if len(s.peers) >= s.cfg.MaxPeers || id == 0 || id == e.cfg.ServerID {
		return nil
	}
	p := &peer{id: id, state: PeerNew, pause: minConnectPause, deadline: now.Add(s.cfg.MaxTimeLastHeard + s.cfg.MaxTimeNoResponse)}
	s.peers = slices.Insert(s.peers, i, p)
	return p
}

// removePeer takes a peer out of the peer list. Its associations stay: should it speak again, it is new.
func (e *Engine) removePeer(now time.Time, p *peer) {
	s := e.scope
	i, ok := s.index(p.id)
	if !ok {
		return
	}
	s.peers = slices.Delete(s.peers, i, i+1)
	for _, a := range p.links {
		a.link.peer, a.link.introduced, a.link.asked = 0, false, false
	}
	p.links, p.assoc = nil, nil
	e.acknowledged(now, p.id)
}

// identify returns the peer that sent a message over an association; nil if the message is to be dropped.
//
// RFC 5353, Section 3.4.1: "If a message of any type is received from a previously unknown peer, the ENRP server MUST
// consider this peer a new peer in the operational scope and add it to the peer list."
func (e *Engine) identify(now time.Time, a *association, sender uint32) *peer {
	s, l := e.scope, a.link
	switch {
	case sender == 0:
		e.stats.Ignored++
		return nil
	case sender == e.cfg.ServerID:
		// It is this registrar itself, or one that happens to have the same identifier.
		e.stats.Ignored++
		for _, st := range s.statics {
			if st.assoc == a.id {
				st.pause = maxConnectPause
			}
		}
		e.abort(now, a, "same server identifier")
		return nil
	}
	p := s.peer(sender)
	if p != nil && l.peer == sender {
		l.heard = now
		return p
	}
	if p == nil {
		if p = e.addPeer(now, sender); p == nil {
			e.stats.Ignored++
			return nil
		}
	}
	if len(p.links) >= maxPeerAssocs {
		e.stats.Ignored++
		e.abort(now, a, "too many associations")
		return nil
	}
	// RFC 5353, Section 2.1: "an ENRP server MUST pick a randomly generated, non-zero 32-bit unsigned integer as its ID and
	// MUST use this same ID until the ENRP server is rebooted." So who was here before is no more.
	before, expected := s.peer(l.peer), s.peer(l.expected)
	if before != nil {
		e.detach(now, before, a)
	}
	l.peer, l.expected, l.heard, l.introduced, l.asked = sender, 0, now, l.introduced && before == nil, false
	p.links = append(p.links, a)
	e.choose(p)
	if p.target.Port == 0 {
		p.target = Target{Addrs: slices.Clone(a.peer.Addrs), Port: a.peer.Port, EncapPort: a.peer.EncapPort}
	}
	p.retryAt, p.pause = time.Time{}, minConnectPause
	for _, q := range []*peer{before, expected} {
		if q != nil && q != p && len(q.links) == 0 && q.state != PeerTakeover && q.state != PeerNotActive {
			e.dead(now, q)
		}
	}
	return p
}

// choose selects the association to send over. Both sides choose the same one after a simultaneous set-up: the one that
// the server with the lower identifier has set up; of several by the same server the newest, since it may have restarted.
func (e *Engine) choose(p *peer) {
	p.assoc = nil
	for _, a := range p.links {
		if p.assoc == nil || a.link.outbound == p.assoc.link.outbound || a.link.outbound == (e.cfg.ServerID < p.id) {
			p.assoc = a
		}
	}
}

// refresh chooses another association if nothing comes over the chosen one any more, but over another.
func (p *peer) refresh(now time.Time, silence time.Duration) {
	if p.assoc == nil || now.Sub(p.assoc.link.heard) < silence {
		return
	}
	for _, a := range p.links {
		if a.link.heard.After(p.assoc.link.heard) {
			p.assoc = a
		}
	}
}

// detach notes that a peer is no longer behind an association.
func (e *Engine) detach(now time.Time, p *peer, a *association) {
	a.link.peer = 0
	p.links = slices.DeleteFunc(p.links, func(b *association) bool { return a == b })
	if p.assoc != a {
		return
	}
	e.choose(p)
	p.download = download{}
	e.resyncFails(now, p, "association lost")
	e.mentorFails(now, p, false)
	if p.assoc == nil {
		e.acknowledged(now, p.id)
	}
}

// linkLost is HandleAssocLost for ENRP.
func (e *Engine) linkLost(now time.Time, a *association, how Loss) {
	s := e.scope
	for _, st := range s.statics {
		if st.assoc == a.id {
			st.assoc, st.at = 0, now.Add(st.pause)
		}
	}
	if p := s.peer(a.link.expected); p != nil && p.assoc == nil {
		e.connectFailed(now, p)
	}
	if p := s.peer(a.link.peer); p != nil {
		e.detach(now, p, a)
		if p.assoc == nil && p.alive() {
			e.unlinked(now, p, how)
		}
	}
	e.huntMentor(now)
	e.rearm()
}

// information says where a server is.
func (t *Target) information(id uint32) param.ServerInformation {
	return param.ServerInformation{ID: id, EncapPort: t.EncapPort,
		Transport: param.Transport{Protocol: param.SCTP, Port: t.Port, Addrs: t.Addrs}}
}

// same reports whether both lead to the same SCTP endpoint.
func (t *Target) same(u *Target) bool {
	return t.Port == u.Port && encapPort(t.EncapPort) == encapPort(u.EncapPort) &&
		slices.ContainsFunc(t.Addrs, func(x addr) bool { return slices.Contains(u.Addrs, x) })
}

func encapPort(p uint16) uint16 {
	if p == 0 {
		return param.DefaultEncapPort
	}
	return p
}

// listRequest answers an ENRP_LIST_REQUEST.
//
// RFC 5353, Section 3.2.2.2: "if the mentor itself is in the process of startup and not ready to provide a peer server list
// [...] it MUST reject the request by the initiating server and respond with an ENRP_LIST_RESPONSE message with the R flag
// set to '1', and with no server information included in the response."
func (e *Engine) listRequest(a *association, p *peer) {
	m := &enrp.ListResponse{Header: e.header(p.id), Rejected: !e.scope.operational}
	size := 0
	for _, q := range e.scope.peers {
		if m.Rejected || q == p || !q.alive() || q.target.Port == 0 {
			continue
		}
		i := q.target.information(q.id)
		i.Transport.Addrs = i.Transport.Addrs[:min(len(i.Transport.Addrs), param.MaxAddrs)]
		if size += 32 + 20*len(i.Transport.Addrs); size > param.MaxMessage {
			break
		}
		m.Servers = append(m.Servers, i)
	}
	e.sendENRP(a, m)
}

// listResponse takes over who the peer knows.
func (e *Engine) listResponse(now time.Time, p *peer, m *enrp.ListResponse) {
	if m.Rejected {
		e.mentorFails(now, p, true)
		return
	}
	for i := range m.Servers {
		srv := &m.Servers[i]
		if srv.EncapPort != 0 {
			p.ours = true
		}
		// RSPLIB lists servers with identifier 0 that it does not know yet, and the one that asks.
		if srv.ID == 0 || srv.ID == e.cfg.ServerID {
			continue
		}
		if q := e.addPeer(now, srv.ID); q != nil && q.assoc == nil && q.target.Port == 0 {
			e.setTarget(q, srv)
			e.connectPeer(now, q)
		}
	}
	if e.scope.mentor.id == p.id && e.scope.mentor.phase == mentorList {
		e.downloadTable(now, p)
	}
}

// setTarget notes where a server says it is.
func (e *Engine) setTarget(p *peer, srv *param.ServerInformation) {
	if srv.Transport.Port != 0 && len(srv.Transport.Addrs) > 0 {
		p.target = Target{Addrs: srv.Transport.Addrs, Port: srv.Transport.Port, EncapPort: srv.EncapPort}
	}
}

// A download is a handle table that a peer asks for part by part.
type download struct {
	running bool
	owned   bool // W flag
	cursor  handlespace.Cursor
	until   time.Time
}
