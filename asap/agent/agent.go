// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
)

// An Agent is an ASAP endpoint: a pool user, any number of pool elements, or both. It is not safe for concurrent use.
type Agent struct {
	cfg      Config
	links    map[LinkID]*link
	lastLink LinkID
	home     *link // nil while there is no home registrar
	hunt     hunt
	elements []*element // in the order of Register
	resolver resolver
	// subscriptions are in the order in which they were made.
	subscriptions []*subscription
	cache         cache

	actions []Action
	events  []Event
}

// A link is an association with a registrar, or an attempt.
type link struct {
	id        LinkID
	addr      Addr
	peer      []netip.Addr // the addresses of the registrar in the association; nil: not known
	serverID  uint32       // 0: unknown
	candidate *candidate
	up        bool
}

// New returns an agent that does nothing before Start.
func New(cfg Config) (*Agent, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, links: make(map[LinkID]*link)}
	a.hunt.init(cfg)
	a.cache.init(cfg)
	return a, nil
}

// Start begins the hunt for a registrar.
//
// RFC 5352, Section 3.6: "At its startup, or when it fails to communicate with its Home ENRP server [...] a PE or PU
// MUST establish a new Home ENRP server"
func (a *Agent) Start(now time.Time) { a.startHunt(now) }

// Home returns the link of the home registrar, and whether there is one.
func (a *Agent) Home() (LinkID, bool) {
	if a.home == nil {
		return 0, false
	}
	return a.home.id, true
}

// PollAction returns the next thing to do.
func (a *Agent) PollAction() (Action, bool) { return poll(&a.actions) }

// PollEvent returns the next thing to tell the user.
func (a *Agent) PollEvent() (Event, bool) { return poll(&a.events) }

func poll[T any](q *[]T) (v T, ok bool) {
	if len(*q) == 0 {
		return v, false
	}
	v = (*q)[0]
	var zero T
	(*q)[0] = zero
	*q = (*q)[1:]
	if len(*q) == 0 {
		*q = nil
	}
	return v, true
}

func (a *Agent) do(x Action)            { a.actions = append(a.actions, x) }
func (a *Agent) tell(e Event)           { a.events = append(a.events, e) }
func (a *Agent) odd(l *link, err error) { a.tell(EventDiscarded{Link: l.id, Err: err}) }

// Deadline returns when HandleTimeout wants to be called, unless something else happens before.
func (a *Agent) Deadline() (time.Time, bool) {
	var d deadline
	a.hunt.deadline(&d)
	for _, e := range a.elements {
		d.add(e.timer)
	}
	a.resolver.deadline(&d)
	for _, s := range a.subscriptions {
		d.add(s.at)
	}
	return d.at, !d.at.IsZero()
}

// A deadline is the earliest of the times added; the zero time means never.
type deadline struct{ at time.Time }

func (d *deadline) add(t time.Time) {
	if !t.IsZero() && (d.at.IsZero() || t.Before(d.at)) {
		d.at = t
	}
}

// expired reports whether a timer, which may be off, has expired.
func expired(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// HandleTimeout does what is due.
func (a *Agent) HandleTimeout(now time.Time) {
	a.huntTimeout(now)
	for i := 0; i < len(a.elements); i++ {
		e := a.elements[i]
		if expired(e.timer, now) {
			a.elementTimeout(now, e)
		}
		if i < len(a.elements) && a.elements[i] != e {
			i-- // e is gone
		}
	}
	a.resolverTimeout(now)
	a.subscriptionsTimeout(now)
}

func (a *Agent) newLink(addr Addr, c *candidate) *link {
	a.lastLink++
	l := &link{id: a.lastLink, addr: addr, candidate: c}
	if c != nil {
		l.serverID = c.serverID
	}
	a.links[l.id] = l
	return l
}

// answered notes that the registrar does its work.
func (l *link) answered() {
	if l.candidate != nil {
		l.candidate.silent = false
	}
}

// HandleInbound makes a link of an association which a registrar has set up to the registration port. Call it when
// the first ASAP message arrives there, before HandleMessage.
func (a *Agent) HandleInbound(from Addr) LinkID {
	l := a.newLink(from, nil)
	l.up, l.peer = true, slices.Clone(from.IPs)
	return l.id
}

// HandleConnected reports that the association a Connect asked for is established, and which addresses the registrar has
// in it. Without any, those it was connected to are taken.
func (a *Agent) HandleConnected(now time.Time, id LinkID, peer []netip.Addr) {
	l := a.links[id]
	if l == nil || l.up {
		return
	}
	l.up, l.peer = true, slices.Clone(peer)
	if len(l.peer) == 0 {
		l.peer = l.addr.IPs
	}
	a.connected(now, l)
}

// HandleLost reports that a link has ended, or could not be established, and why: nil means that the registrar has
// ended it gracefully.
func (a *Agent) HandleLost(now time.Time, id LinkID, err error) {
	l := a.links[id]
	if l == nil {
		return
	}
	delete(a.links, id)
	switch {
	case !l.up:
		a.connectFailed(now, l, err)
	case l == a.home:
		if err == nil {
			err = fmt.Errorf("registrar %v has shut down", l.addr)
		}
		a.homeLost(now, err)
	}
}

// disconnect ends a link.
func (a *Agent) disconnect(l *link, reason string) {
	if a.links[l.id] == l {
		delete(a.links, l.id)
		a.do(Disconnect{Link: l.id, Reason: reason})
	}
}

// send encodes a message. What a user supplies was checked before, so that it cannot fail here.
func (a *Agent) send(l *link, m asap.Message) bool {
	b, err := m.AppendBinary(nil)
	if err != nil {
		a.odd(l, err)
		return false
	}
	a.do(Send{Link: l.id, Message: m, Data: b})
	return true
}

// leaveHome gives the home registrar up because it does not answer.
//
// RFC 5352, Section 3.6: "when it fails to communicate with its Home ENRP server (i.e., timed out on an ENRP request), a PE
// or PU MUST establish a new Home ENRP server (i.e., set up a TCP connection or SCTP association with a different ENRP
// server)."
func (a *Agent) leaveHome(now time.Time, err error) {
	l := a.home
	if l.candidate != nil {
		l.candidate.silent = true
	}
	a.disconnect(l, "no answer")
	a.homeLost(now, err)
}

// homeLost starts over without a home registrar.
func (a *Agent) homeLost(now time.Time, err error) {
	l := a.home
	if l.candidate != nil {
		l.candidate.failures++
	}
	a.homeless(now, l, err)
}

// homeless looks for another home registrar than the one that was left.
func (a *Agent) homeless(now time.Time, l *link, err error) {
	a.home = nil
	a.tell(EventHomeLost{Addr: l.addr, Err: err})
	for _, e := range a.elements {
		a.elementHomeless(e, err)
	}
	a.resolver.homeless(now, a.cfg.T1ENRPRequest)
	a.subscriptionsHomeless(now)
	a.startHunt(now)
}

// setHome makes the link that of the home registrar.
//
// RFC 5352, Section 3.6, SH6: "The PE or PU shall pick one of the ENRP servers with which it was able to establish an
// association or connection, and send all subsequent ENRP request messages to this new Home ENRP server."
func (a *Agent) setHome(now time.Time, l *link, adopted bool) {
	a.stopHunt("another registrar was faster")
	if old := a.home; old != nil && old != l {
		a.disconnect(old, "another registrar is the home registrar now")
	}
	a.home = l
	a.tell(EventHome{Link: l.id, Addr: l.addr, ServerID: l.serverID, Adopted: adopted})
	for _, e := range a.elements {
		a.elementHome(now, e)
	}
	a.resolverHome(now)
	a.subscriptionsHome(now)
}
