// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// maxSubscriptions bounds the pools that are subscribed to.
const maxSubscriptions = 1024

// EventPool tells what is in a pool that was subscribed to: what was there at first, and then whatever is new.
type EventPool struct {
	Handle param.PoolHandle
	// Elements are in the order of their identifiers. There are at most param.MaxPoolElements. None: see Err.
	Elements []param.PoolElement
	Policy   param.Policy // of the pool
	// Pushed says that the registrar tells by itself when the pool changes; otherwise it is asked again and again.
	Pushed bool
	// Err says why the elements are not known: it matches ErrPoolNotFound if there are none.
	Err error
}

func (EventPool) event() {}

// A subscription is a pool that somebody wants to know all about.
type subscription struct {
	handle param.PoolHandle
	users  int
	pushed bool       // the home registrar tells of changes
	at     time.Time  // when it is asked again; zero: an answer is awaited, or the next update
	last   *EventPool // that was told; nil: none yet
}

// Subscribe asks for what is in a pool, and for all that becomes of it, until there were as many calls of Unsubscribe. It
// comes as EventPool, once for all who have subscribed: who comes later knows it from the others. While the registrar tells of changes, the cache has the pool, and Resolve asks nobody.
//
// RFC 5352, Section 2.2.5: "The 'S' bit, if set to '1', requests the Home ENRP server to send updates to this Pool
// dynamically when the Pool changes". A registrar that does not do so, as RSPLIB's, and one that does not know the pool yet,
// are asked again when what the cache has would be stale.
func (a *Agent) Subscribe(now time.Time, h param.PoolHandle) error {
	if s := a.subscription(h); s != nil {
		s.users++
		return nil
	}
	m := &asap.HandleResolution{PoolHandle: h, Items: param.MaxPoolElements, SendUpdates: true}
	if _, err := m.AppendBinary(nil); err != nil {
		return fmt.Errorf("agent: subscribe to pool %.32q: %w", h, err)
	}
	if len(a.subscriptions) >= maxSubscriptions {
		return fmt.Errorf("agent: subscribe to pool %.32q: there are %d subscriptions already", h, maxSubscriptions)
	}
	s := &subscription{handle: h, users: 1}
	a.subscriptions = append(a.subscriptions, s)
	a.ask(now, h)
	return nil
}

// Unsubscribe takes back a Subscribe.
func (a *Agent) Unsubscribe(now time.Time, h param.PoolHandle) {
	s := a.subscription(h)
	if s == nil {
		return
	}
	if s.users--; s.users > 0 {
		return
	}
	a.subscriptions = slices.DeleteFunc(a.subscriptions, func(o *subscription) bool { return o == s })
	a.cache.release(now, h)
	if a.home != nil && (s.pushed || a.asked(h)) {
		a.ask(now, h) // without the bit
	}
}

func (a *Agent) subscription(h param.PoolHandle) *subscription {
	for _, s := range a.subscriptions {
		if s.handle == h {
			return s
		}
	}
	return nil
}

// ask sends a request that nobody waits for.
func (a *Agent) ask(now time.Time, h param.PoolHandle) {
	q := &resolution{handle: h, items: a.cfg.Items}
	a.resolver.requests = append(a.resolver.requests, q)
	a.request(now, q)
}

// asked reports whether there is a request without an answer.
func (a *Agent) asked(h param.PoolHandle) bool {
	return slices.ContainsFunc(a.resolver.requests, func(q *resolution) bool { return q.handle == h })
}

// pollInterval is the time between two questions to a registrar that does not tell by itself.
func (a *Agent) pollInterval() time.Duration {
	if a.cfg.StaleCacheValue > 0 {
		return a.cfg.StaleCacheValue
	}
	return defaultStaleCacheValue
}

// updated takes what a registrar tells by itself.
func (a *Agent) updated(now time.Time, s *subscription, m *asap.HandleResolutionResponse) {
	if len(m.Errors) > 0 {
		err := &RejectedError{Op: "handle resolution", Handle: s.handle, Causes: m.Errors}
		if errors.Is(err, ErrPoolNotFound) {
			a.cache.purge(s.handle)
		}
		a.listened(now, s, m, err)
		return
	}
	a.cache.fill(now, s.handle, m.Policy, m.PoolElements, len(m.PoolElements) < param.MaxPoolElements)
	a.listened(now, s, m, nil)
}

// listened takes what a registrar says of a pool that was subscribed to, asked or not.
func (a *Agent) listened(now time.Time, s *subscription, m *asap.HandleResolutionResponse, err error) {
	s.pushed, s.at = err == nil && m.AcceptUpdates, time.Time{}
	if s.pushed {
		a.cache.hold(s.handle)
	} else {
		a.cache.release(now, s.handle)
		if !a.asked(s.handle) {
			s.at = now.Add(a.pollInterval())
		}
	}
	if err == nil && len(m.PoolElements) == 0 {
		err = fmt.Errorf("pool %q: %w", s.handle, ErrNoElements)
	}
	e := EventPool{Handle: s.handle, Pushed: s.pushed, Err: err}
	if err == nil {
		e.Policy, e.Elements = m.Policy, slices.Clone(m.PoolElements)
		slices.SortStableFunc(e.Elements, func(x, y param.PoolElement) int {
			switch {
			case x.ID < y.ID:
				return -1
			case x.ID > y.ID:
				return 1
			}
			return 0
		})
	}
	a.tellPool(s, e)
}

// unheard notes that a request has got no answer, or one that does not tell what it is about.
func (a *Agent) unheard(now time.Time, h param.PoolHandle, err error) {
	s := a.subscription(h)
	if s == nil || s.pushed || a.asked(h) {
		return
	}
	s.at = now.Add(a.pollInterval())
	a.tellPool(s, EventPool{Handle: h, Err: err})
}

// tellPool tells what is new.
func (a *Agent) tellPool(s *subscription, e EventPool) {
	if s.last != nil && s.last.same(&e) {
		return
	}
	s.last = &e
	a.tell(e)
}

// same reports whether both tell the same. Homes and lives are no news.
func (e *EventPool) same(o *EventPool) bool {
	if (e.Err == nil) != (o.Err == nil) || e.Err != nil && e.Err.Error() != o.Err.Error() {
		return false
	}
	return e.Pushed == o.Pushed && e.Policy.Type == o.Policy.Type &&
		slices.EqualFunc(e.Elements, o.Elements, func(x, y param.PoolElement) bool {
			return x.ID == y.ID && x.Policy == y.Policy && x.EncapPort == y.EncapPort && x.UserTransport.Equal(y.UserTransport)
		})
}

// subscriptionsHomeless: nobody tells of changes any more.
func (a *Agent) subscriptionsHomeless(now time.Time) {
	for _, s := range a.subscriptions {
		s.pushed, s.at = false, time.Time{}
		a.cache.release(now, s.handle)
	}
}

// subscriptionsHome asks the new home registrar.
//
// RFC 5352, Section 2.2.5: "Thus, upon change of Home ENRP server, the PU will need to re-send an ASAP_HANDLE_RESOLUTION
// message with the 'S' bit set to '1'."
func (a *Agent) subscriptionsHome(now time.Time) {
	for _, s := range a.subscriptions {
		s.pushed, s.at = false, time.Time{}
		a.cache.release(now, s.handle)
		if !a.asked(s.handle) {
			a.ask(now, s.handle)
		}
	}
}

// subscriptionsTimeout asks again.
func (a *Agent) subscriptionsTimeout(now time.Time) {
	for _, s := range a.subscriptions {
		if expired(s.at, now) {
			s.at = time.Time{}
			a.ask(now, s.handle)
		}
	}
}
