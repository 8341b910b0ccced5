// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"slices"
	"time"
)

type addr = netip.Addr

// A connect is an association with a peer that is being set up.
type connect struct {
	id     uint64
	target Target
}

// A static is a peer that was configured.
type static struct {
	target  Target
	connect uint64 // under way; 0: none
	assoc   uint64 // that came of it; 0: none
	at      time.Time
	pause   time.Duration
}

// startConnect asks for an association with a peer, unless that was done already, and returns the identifier.
func (e *Engine) startConnect(t Target) uint64 {
	s := e.scope
	for _, c := range s.pending {
		if c.target.same(&t) {
			return c.id
		}
	}
	s.lastID++
	c := &connect{id: s.lastID, target: t}
	s.pending = append(s.pending, c)
	e.out.connects.push(Connect{ID: c.id, Protocol: ProtocolENRP, Target: t})
	return c.id
}

// connectPeer tries to reach a peer, if that is possible and not under way.
func (e *Engine) connectPeer(now time.Time, p *peer) bool {
	p.retryAt = time.Time{}
	if p.target.Port == 0 || len(p.target.Addrs) == 0 || p.target.same(&e.scope.cfg.Self) {
		return false
	}
	if p.connect == 0 {
		p.connect = e.startConnect(p.target)
	}
	return true
}

// connectFailed handles that a peer cannot be reached.
func (e *Engine) connectFailed(now time.Time, p *peer) {
	p.connect = 0
	if p.assoc != nil {
		return // it has reached us meanwhile
	}
	switch p.state {
	case PeerProbed, PeerNew:
		// RFC 5353, Section 3.4.3: "If the send fails or the peer does not reply after MAX-TIME-NO-RESPONSE seconds, the
		// ENRP server MUST consider the peer server dead".
		e.dead(now, p)
	default:
		p.retryAt = now.Add(p.pause)
		p.pause = min(2*p.pause, maxConnectPause)
	}
}

// HandleConnected answers a [Connect]: the association is up and speaks its protocol. It may be one that was introduced
// before: there is but one between two ports. Like HandleAssocUp it reports false if the association is to be aborted.
func (e *Engine) HandleConnected(now time.Time, id uint64, assoc uint64, p Peer) bool {
	s := e.scope
	if s == nil {
		return false
	}
	if ad := s.adopting[id]; ad != nil {
		ok := e.adoptionConnected(now, id, ad, assoc, p)
		e.rearm()
		return ok
	}
	i := slices.IndexFunc(s.pending, func(c *connect) bool { return c.id == id })
	if i < 0 {
		return false
	}
	a := e.assocs[assoc]
	if a == nil {
		if a = e.newAssoc(now, assoc, ProtocolENRP, p); a == nil {
			e.HandleConnectFailed(now, id)
			return false
		}
		a.link.outbound = true
	}
	s.pending = slices.Delete(s.pending, i, i+1)
	for _, st := range s.statics {
		if st.connect == id {
			st.connect, st.assoc, st.pause, st.at = 0, assoc, minConnectPause, now.Add(maxConnectPause)
		}
	}
	long := e.cfg.Profile == ProfileRFC
	for _, q := range s.peers {
		if q.connect == id {
			q.connect, long = 0, e.long(q)
			if a.link.peer == 0 {
				a.link.expected = q.id
			}
		}
	}
	// RSPLIB does not talk to who has not introduced itself.
	e.introduceSelf(a, 0, true, long)
	e.rearm()
	return true
}

// HandleConnectFailed answers a [Connect] that came to nothing.
func (e *Engine) HandleConnectFailed(now time.Time, id uint64) {
	s := e.scope
	if s == nil {
		return
	}
	if ad := s.adopting[id]; ad != nil {
		e.adoptionFailed(now, id, ad)
		e.rearm()
		return
	}
	i := slices.IndexFunc(s.pending, func(c *connect) bool { return c.id == id })
	if i < 0 {
		return
	}
	s.pending = slices.Delete(s.pending, i, i+1)
	for _, st := range s.statics {
		if st.connect == id {
			st.failed(now)
		}
	}
	for _, p := range slices.Clone(s.peers) {
		if p.connect == id {
			e.connectFailed(now, p)
		}
	}
	e.rearm()
}

func (st *static) failed(now time.Time) {
	st.connect = 0
	st.pause = min(max(st.pause, minConnectPause), maxConnectPause)
	st.at = now.Add(st.pause)
	st.pause = min(2*st.pause, maxConnectPause)
}

// staticsTimeout looks for configured peers that have no association.
func (e *Engine) staticsTimeout(now time.Time) {
	s := e.scope
	for _, st := range s.statics {
		if st.connect != 0 || st.at.IsZero() || st.at.After(now) {
			continue
		}
		reached := st.assoc != 0 || st.target.same(&s.cfg.Self) || slices.ContainsFunc(s.peers, func(p *peer) bool {
			return p.assoc != nil && p.target.same(&st.target)
		})
		if a := e.assocs[st.assoc]; a != nil && a.link.peer == 0 {
			e.abort(now, a, "no word of ENRP") // for half a minute
			continue
		}
		if reached {
			st.at = now.Add(maxConnectPause)
			continue
		}
		st.connect = e.startConnect(st.target)
	}
}
