// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// startTakeover begins the arbitration about a dead peer.
//
// RFC 5353, Section 3.5.1: "The initiating server SHOULD first start the takeover arbitration process by sending an
// ENRP_INIT_TAKEOVER message to all its peer servers." "After announcing the ENRP_INIT_TAKEOVER message ("group-casting" to
// all known peers, including the target server), the initiating server SHOULD wait for an ENRP_INIT_TAKEOVER_ACK message
// from each of its known peers, except that of the target server."
func (e *Engine) startTakeover(now time.Time, p *peer) {
	e.stats.Takeovers++
	e.event(Event{Kind: EventTakeoverBegun, Peer: p.id, Count: e.space.NumOwned(p.id)})
	p.state, p.deadline, p.outstanding = PeerTakeover, now.Add(e.scope.cfg.TakeoverExpiry), nil
	for _, q := range e.scope.peers {
		if q != p && q.assoc != nil && q.alive() {
			p.outstanding = append(p.outstanding, q.id)
		}
	}
	e.groupcast(&enrp.InitTakeover{Header: e.header(0), Target: p.id}, nil)
	if len(p.outstanding) == 0 {
		e.takeoverWon(now, p) // nobody is left who could object
	}
}

// initTakeover handles an ENRP_INIT_TAKEOVER.
func (e *Engine) initTakeover(now time.Time, a *association, from *peer, target uint32) {
	if target == e.cfg.ServerID {
		// RFC 5353, Section 3.5.1, rule 1: "it MUST immediately announce an ENRP_PRESENCE message to all its peer ENRP servers
		// in an attempt to stop this takeover process."
		e.announcePresence(now, false)
		return
	}
	p := e.scope.peer(target)
	if p == from {
		return
	}
	if c := e.scope.conquered(now, target); c != nil && p == nil && e.tooLate(c, from) {
		return
	}
	if p != nil {
		if p.state == PeerTakeover {
			if !e.yields(from.id) {
				return // Rule 2.B: "Otherwise, the peer MUST ignore the ENRP_INIT_TAKEOVER message."
			}
			// Rule 2.A: "the peer server MUST immediately abort its own take-over attempt by taking no further takeover
			// actions of its own."
			p.outstanding = nil
			e.event(Event{Kind: EventTakeoverLost, Peer: p.id, By: from.id})
		}
		// Rule 3: "mark the target server as "not active" on its internal peer list so that its status will no longer be
		// monitored by this peer".
		p.state, p.takenBy = PeerNotActive, from.id
		p.deadline = now.Add(2*e.scope.cfg.TakeoverExpiry + e.cfg.KeepAliveTimeout)
	}
	// Rule 3: "MUST reply to the initiating server with an ENRP_INIT_TAKEOVER_ACK message."
	e.sendENRP(a, &enrp.InitTakeoverAck{Header: e.header(from.id), Target: target})
}

// yields decides who of two may take over.
//
// RFC 5353, Section 3.5.1, rule 2.A: "If the peer's server ID is smaller in value than the Sending Server's ID in the arrived
// ENRP_INIT_TAKEOVER message, the peer server MUST immediately abort its own take-over attempt". RSPLIB does it the other
// way round, and only one of them can be right in a scope.
func (e *Engine) yields(to uint32) bool {
	if e.cfg.Profile == ProfileRFC {
		return e.cfg.ServerID < to
	}
	return e.cfg.ServerID > to
}

// initTakeoverAck handles an ENRP_INIT_TAKEOVER_ACK.
func (e *Engine) initTakeoverAck(now time.Time, from *peer, target uint32) {
	if p := e.scope.peer(target); p != nil {
		e.acknowledge(now, p, from.id)
	}
}

// acknowledged notes that nothing is to be waited for from a server any more.
func (e *Engine) acknowledged(now time.Time, from uint32) {
	for _, p := range slices.Clone(e.scope.peers) {
		e.acknowledge(now, p, from)
	}
}

// acknowledge takes a server off the list of those who have not acknowledged a takeover.
//
// RFC 5353, Section 3.5.1: "Once the initiating server has received the ENRP_INIT_TAKEOVER_ACK message from all of its
// currently known peers (except for the target server), it MUST consider that it has won the arbitration".
func (e *Engine) acknowledge(now time.Time, p *peer, from uint32) {
	i := slices.Index(p.outstanding, from)
	if p.state != PeerTakeover || i < 0 {
		return
	}
	if p.outstanding = slices.Delete(p.outstanding, i, i+1); len(p.outstanding) == 0 {
		e.takeoverWon(now, p)
	}
}

// takeoverWon completes a takeover.
//
// RFC 5353, Section 3.5.2: "The initiating ENRP server MUST first send, via an announcement, an ENRP_TAKEOVER_SERVER message
// to inform all its active peers that the takeover has been enforced." "The initiating server SHOULD then remove the target
// server from its internal peer list." "Then, it SHOULD examine its local copy of the handlespace and claim ownership of
// each of the PEs originally owned by the target server".
func (e *Engine) takeoverWon(now time.Time, p *peer) {
	e.groupcast(&enrp.TakeoverServer{Header: e.header(0), Target: p.id}, func(q *peer) bool { return q != p })
	e.removePeer(now, p)
	taken := make(map[*handlespace.Element]struct{})
	for el := range e.owned(p.id) {
		taken[el] = struct{}{}
		e.space.SetHome(el, e.cfg.ServerID)
		e.adopt(now, el)
	}
	n := len(taken)
	e.scope.remember(now, p.id, taken)
	e.stats.TakeoversDone++
	e.stats.Adopted += uint64(n)
	e.event(Event{Kind: EventTakeoverCompleted, Peer: p.id, By: e.cfg.ServerID, Count: n})
	e.pumpAdoptions(now)
}

// takeoverServer handles an ENRP_TAKEOVER_SERVER.
//
// RFC 5353, Section 3.5.2: "1. remove the target server from its internal peer list; 2. update the Home ENRP server of each
// PE in its local copy of the handlespace to be the sender of the message, i.e., the initiating server."
func (e *Engine) takeoverServer(now time.Time, from *peer, target uint32) {
	if target == e.cfg.ServerID {
		// Those who have lost sight of this server shall see that it is there. Its elements stay its own as long as they
		// do not go.
		e.announcePresence(now, false)
		return
	}
	if target == from.id {
		return
	}
	if p := e.scope.peer(target); p != nil {
		if p.state == PeerTakeover {
			e.event(Event{Kind: EventTakeoverLost, Peer: target, By: from.id})
		}
		e.removePeer(now, p)
	}
	n := 0
	for el := range e.owned(target) {
		n++
		e.space.SetHome(el, from.id)
		el.Marked = false
	}
	if n > 0 {
		e.event(Event{Kind: EventTakeoverCompleted, Peer: target, By: from.id, Count: n})
	}
}

// claimOwn takes care of elements that others say this server owns: it did before it was restarted.
func (e *Engine) claimOwn(now time.Time) {
	for el := range e.owned(e.cfg.ServerID) {
		if el.Assoc() == 0 {
			if _, probed := el.Deadline(handlespace.TimerProbe); !probed {
				e.adopt(now, el)
			}
		}
	}
	e.pumpAdoptions(now)
}
