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

// maxReports bounds the reports of unreachable elements that wait for a home registrar: they are advice, and soon old.
const maxReports = 32

// A ResolveID names a Resolve.
type ResolveID uint64

// ResolveOptions change how a handle is resolved. The zero value is the usual way.
type ResolveOptions struct {
	// Items is how many elements are wanted at most. 0: Config.Items.
	Items uint32
	// Fresh asks the registrar even if the cache has an answer.
	Fresh bool
	// StaleCacheValue is stale_cache_value for this resolution, if it is positive and less than that of the Config: what
	// the cache has is used if it is younger.
	StaleCacheValue time.Duration
}

// A resolution is one ASAP_HANDLE_RESOLUTION, and everybody who waits for the answer.
type resolution struct {
	handle  param.PoolHandle
	items   uint32
	waiters []waiter
	t1      time.Time // t1ENRPRequest
	sent    time.Time // zero: not yet
	tries   int       // expirations of t1
}

type waiter struct {
	id    ResolveID
	items uint32
}

type resolver struct {
	lastID   ResolveID
	requests []*resolution // in the order of sending
	reports  []*asap.EndpointUnreachable
}

func (r *resolver) deadline(d *deadline) {
	for _, q := range r.requests {
		d.add(q.t1)
	}
}

func (r *resolver) remove(q *resolution) {
	r.requests = slices.DeleteFunc(r.requests, func(o *resolution) bool { return o == q })
}

// oldest returns the request the registrar has to answer next.
func (r *resolver) oldest() *resolution {
	for _, q := range r.requests {
		if !q.sent.IsZero() {
			return q
		}
	}
	return nil
}

// Resolve asks for elements of a pool (Translation.Request, RFC 5352, Section 6.9.1). The answer comes as EventResolved.
// The error says that the handle cannot be sent.
//
// RFC 5352, Section 3.3: "If a cache is used, it SHOULD: C1) Be consulted before sending a handle resolution. [...] C4) If
// the cache entry is NOT stale, the endpoint SHOULD NOT send a handle resolution request but instead SHOULD use the
// entry from the cache."
func (a *Agent) Resolve(now time.Time, h param.PoolHandle, o ResolveOptions) (ResolveID, error) {
	if o.Items == 0 {
		o.Items = a.cfg.Items
	}
	m := &asap.HandleResolution{PoolHandle: h, Items: o.Items}
	if _, err := m.AppendBinary(nil); err != nil {
		return 0, fmt.Errorf("agent: resolve pool %.32q: %w", h, err)
	}
	r := &a.resolver
	r.lastID++
	id := r.lastID
	if !o.Fresh && (o.StaleCacheValue <= 0 || a.cache.youngerThan(now, h, o.StaleCacheValue)) {
		if elems, pol := a.cache.pick(now, h, o.Items); len(elems) > 0 {
			a.tell(EventResolved{ID: id, Handle: h, Elements: elems, Policy: pol, Cached: true})
			return id, nil
		}
	}
	w := waiter{id, o.Items}
	// One request per pool is enough, and lets the answers be told apart: they have no transaction identifier.
	for _, q := range r.requests {
		if q.handle == h && q.items >= o.Items {
			q.waiters = append(q.waiters, w)
			return id, nil
		}
	}
	q := &resolution{handle: h, items: o.Items, waiters: []waiter{w}}
	r.requests = append(r.requests, q)
	a.request(now, q)
	return id, nil
}

// Cancel says that nobody waits for the answer of a Resolve any more. It will fill the cache all the same.
func (a *Agent) Cancel(id ResolveID) {
	for _, q := range a.resolver.requests {
		q.waiters = slices.DeleteFunc(q.waiters, func(w waiter) bool { return w.id == id })
	}
}

// request sends a resolution.
//
// RFC 5352, Section 3.3, NR2 to NR4: "If the endpoint does not have a Home ENRP server, start the ENRP Server Hunt
// procedures [...] send the ASAP_HANDLE_RESOLUTION message to the Home ENRP server [...] Start a T1-ENRPrequest timer."
// Without a home registrar the timer runs as well, so that the user gets an answer.
func (a *Agent) request(now time.Time, q *resolution) {
	q.t1 = now.Add(a.cfg.T1ENRPRequest)
	subscribed := a.subscription(q.handle) != nil
	if subscribed {
		q.items = max(q.items, param.MaxPoolElements) // updates have as many as the last request wanted
	}
	if a.home == nil {
		return
	}
	q.sent = now
	a.send(a.home, &asap.HandleResolution{PoolHandle: q.handle, Items: q.items, SendUpdates: subscribed})
}

// homeless forgets what the lost registrar was asked.
func (r *resolver) homeless(now time.Time, t1 time.Duration) {
	for _, q := range r.requests {
		q.sent, q.t1 = time.Time{}, now.Add(t1)
	}
}

// resolverHome asks a new home registrar everything.
//
// RFC 5352, Section 3.7.1: "After finding a new Home ENRP server, the ASAP Endpoint should re-send the request."
func (a *Agent) resolverHome(now time.Time) {
	r := &a.resolver
	for _, q := range r.requests {
		a.request(now, q)
	}
	for _, m := range r.reports {
		a.send(a.home, m)
	}
	r.reports = nil
}

// resolverTimeout does what T1-ENRPrequest asks for.
//
// RFC 5352, Section 3.7.2: "When the T1-ENRPrequest timer expires, the ASAP Endpoint should re-send the original request
// to the ENRP server and restart the T1-ENRPrequest timer. In parallel, the ASAP Endpoint should begin the ENRP server
// hunt procedures [...] This should be repeated up to MAX-REQUEST-RETRANSMIT times. After that, an Error.Report
// notification should be generated to inform the ASAP User"
func (a *Agent) resolverTimeout(now time.Time) {
	r := &a.resolver
	for _, q := range slices.Clone(r.requests) {
		if !expired(q.t1, now) || !slices.Contains(r.requests, q) {
			continue
		}
		q.tries++
		if q.tries > a.cfg.MaxRequestRetransmit {
			r.remove(q)
			err := a.noAnswer(q)
			a.answer(q, EventResolved{Err: err})
			a.unheard(now, q.handle, err)
			continue
		}
		a.request(now, q)
		a.startHunt(now)
	}
}

// noAnswer is the error of a request that nobody answered.
func (a *Agent) noAnswer(q *resolution) error {
	timeout := &TimeoutError{Op: "handle resolution", Handle: q.handle, Attempts: q.tries, After: a.cfg.T1ENRPRequest}
	if a.home == nil {
		if err := a.hunt.lastErr; err != nil {
			return err
		}
		return &HuntError{}
	}
	return timeout
}

// answer tells everybody who waits for q.
func (a *Agent) answer(q *resolution, e EventResolved) {
	for _, w := range q.waiters {
		e.ID, e.Handle = w.id, q.handle
		a.tell(e)
	}
}

func (a *Agent) onResolutionResponse(now time.Time, l *link, m *asap.HandleResolutionResponse) {
	r := &a.resolver
	var q *resolution
	for _, o := range r.requests {
		if l == a.home && !o.sent.IsZero() && o.handle == m.PoolHandle {
			q = o // the oldest one: registrars answer in order
			break
		}
	}
	s := a.subscription(m.PoolHandle)
	if q == nil && s != nil && l == a.home {
		a.updated(now, s, m)
		return
	}
	if q == nil {
		a.odd(l, fmt.Errorf("%v for pool %q, which nobody asked for", m.Type(), m.PoolHandle))
		return
	}
	// RFC 5352, Section 3.3: "At the reception of the ASAP_HANDLE_RESOLUTION_RESPONSE message, the ASAP Endpoint MUST stop
	// its T1-ENRPrequest timer."
	r.remove(q)
	l.answered()
	if a.hunt.spare {
		a.stopHunt("the home registrar has answered")
	}
	if len(m.Errors) > 0 {
		err := &RejectedError{Op: "handle resolution", Handle: q.handle, Causes: m.Errors}
		if errors.Is(err, ErrPoolNotFound) {
			a.cache.purge(q.handle)
		}
		a.answer(q, EventResolved{Err: err})
		if s != nil {
			a.listened(now, s, m, err)
		}
		return
	}
	a.cache.fill(now, q.handle, m.Policy, m.PoolElements, uint32(len(m.PoolElements)) < q.items)
	for _, w := range q.waiters {
		e := EventResolved{ID: w.id, Handle: q.handle}
		e.Elements, e.Policy = a.cache.pick(now, q.handle, w.items)
		if len(e.Elements) == 0 {
			e.Elements, e.Policy = m.PoolElements, m.Policy // there is no cache
			e.Elements = e.Elements[:min(len(e.Elements), int(min(w.items, param.ItemsMax>>1)))]
		}
		if len(e.Elements) == 0 {
			e.Err = fmt.Errorf("pool %q: %w", q.handle, ErrNoElements)
		}
		a.tell(e)
	}
	if s != nil {
		a.listened(now, s, m, nil)
	}
}

// ReportUnreachable tells the registrar that an element could not be reached (Transport.Failure, RFC 5352, Section
// 6.9.2), and drops it from the cache. Call it once for each failure of an element that was to be used.
//
// RFC 5352, Section 3.5: "the ASAP Endpoint SHOULD report the unavailability of the PE by sending an
// ASAP_ENDPOINT_UNREACHABLE message to any ENRP server."
func (a *Agent) ReportUnreachable(now time.Time, k Key) {
	a.cache.drop(k)
	m := &asap.EndpointUnreachable{PoolHandle: k.Handle, PEID: k.ID}
	if _, err := m.AppendBinary(nil); err != nil {
		return // no such element can exist
	}
	if a.home != nil {
		a.send(a.home, m)
	} else if r := &a.resolver; len(r.reports) < maxReports {
		r.reports = append(r.reports, m)
	}
}

// Populate asks the registrar for a pool that the cache knows nothing of (CachePopulateRequest, RFC 5352, Section 6.3).
// Nobody is told of the answer.
//
// RFC 5352, Section 6.3: "if the ASAP service does NOT support a local cache, this primitive performs NO action."
func (a *Agent) Populate(now time.Time, h param.PoolHandle) {
	if a.cfg.StaleCacheValue > 0 && !a.cache.youngerThan(now, h, a.cfg.StaleCacheValue) {
		a.Resolve(now, h, ResolveOptions{})
	}
}

// Drop takes an element out of the cache without reporting it.
func (a *Agent) Drop(k Key) { a.cache.drop(k) }

// Purge takes a pool out of the cache (CachePurgeRequest, RFC 5352, Section 6.4).
func (a *Agent) Purge(h param.PoolHandle) { a.cache.purge(h) }
