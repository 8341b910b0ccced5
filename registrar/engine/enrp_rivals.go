// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// A conquest is a takeover that this server has completed. It is remembered for as long as another server, which could not
// hear of it, may want to take over as well.
type conquest struct {
	target uint32
	taken  map[*handlespace.Element]struct{}
	until  time.Time
	// yielded is the server that takes over all the same, because it has precedence; 0: none.
	yielded uint32
}

// remember notes a takeover.
func (s *scope) remember(now time.Time, target uint32, taken map[*handlespace.Element]struct{}) {
	s.conquests = slices.DeleteFunc(s.conquests, func(c *conquest) bool { return c.target == target || !c.until.After(now) })
	s.conquests = append(s.conquests, &conquest{target: target, taken: taken, until: now.Add(s.conquestLasts())})
}

// conquestLasts is the time in which the others have found the target dead, and given up or completed their attempts.
func (s *scope) conquestLasts() time.Duration {
	return s.cfg.MaxTimeLastHeard + s.cfg.MaxTimeNoResponse + 2*s.cfg.TakeoverExpiry
}

// conquered returns the takeover of a server that this one has completed lately, or nil.
func (s *scope) conquered(now time.Time, target uint32) *conquest {
	for _, c := range s.conquests {
		if c.target == target && c.until.After(now) {
			return c
		}
	}
	return nil
}

// forget drops the takeovers that nobody can come too late for any more.
func (s *scope) forget(now time.Time) {
	s.conquests = slices.DeleteFunc(s.conquests, func(c *conquest) bool { return !c.until.After(now) })
}

// tooLate handles an ENRP_INIT_TAKEOVER for a server that this one has taken over already, which the sender has not heard: they
// could not talk to each other. It reports whether the sender is to get no acknowledgement.
//
// The same one has precedence as if both attempts had met, RFC 5353, Section 3.5.1, rule 2. If that is this one, it ignores the
// message, and says again what belongs to it now. If not, it keeps what it has until the elements go, but says nothing about
// them any more then: RSPLIB would believe that they are gone.
func (e *Engine) tooLate(c *conquest, from *peer) bool {
	if e.yields(from.id) {
		c.yielded = from.id
		return false
	}
	if from.assoc == nil {
		return true
	}
	e.sendENRP(from.assoc, &enrp.TakeoverServer{Header: e.header(from.id), Target: c.target})
	for el := range e.owned(e.cfg.ServerID) {
		if _, ok := c.taken[el]; ok {
			e.tellOne(el, from)
		}
	}
	return true
}

// yieldedTo returns the server that takes over an element that was taken over here; 0 if there is none.
func (s *scope) yieldedTo(el *handlespace.Element) uint32 {
	for _, c := range s.conquests {
		if _, ok := c.taken[el]; ok && c.yielded != 0 {
			return c.yielded
		}
	}
	return 0
}

// yield lets an element that this server has lost go to the server that takes it over, if there is one.
func (e *Engine) yield(el *handlespace.Element) bool {
	if e.scope == nil || len(e.scope.conquests) == 0 || el.Home() != e.cfg.ServerID {
		return false
	}
	to := e.scope.yieldedTo(el)
	if to == 0 || !e.ownerAlive(to) {
		return false
	}
	if a := e.assocs[el.Assoc()]; a != nil {
		a.elements--
	}
	e.space.Bind(el, 0)
	e.space.StopTimer(el, handlespace.TimerKeepAlive)
	e.space.StopTimer(el, handlespace.TimerProbe)
	e.space.SetHome(el, to)
	return true
}
