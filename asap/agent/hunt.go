// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// maxConcurrent is from RFC 5352, Section 3.6, SH1: "An ASAP Endpoint MUST NOT establish more than three associations or
// connections."
const maxConcurrent = 3

// hunt is the search for a home registrar.
type hunt struct {
	candidates []*candidate
	running    bool
	spare      bool // there is a home registrar, but it is slow: look for another one
	round      uint64
	attempts   []*link
	failures   []error // of this round
	lastErr    error   // the *HuntError of the last round that failed; nil after a success

	t5      time.Time // t5ServerHunt
	t5Value time.Duration
	t5First time.Duration
	pause   time.Duration
	resume  time.Time // end of the pause before the next round
}

func (h *hunt) init(cfg Config) {
	h.t5First, h.t5Value, h.pause = cfg.T5ServerHunt, cfg.T5ServerHunt, huntPause
}

func (h *hunt) deadline(d *deadline) {
	if h.running {
		d.add(h.t5)
		d.add(h.resume)
	}
}

// startHunt looks for a home registrar; next to a slow one, it looks for another.
func (a *Agent) startHunt(now time.Time) {
	h := &a.hunt
	if a.home == nil && h.spare {
		h.spare = false // what was a spare is needed now
		a.advanceHunt(now)
		return
	}
	if h.running {
		return
	}
	h.running, h.spare = true, a.home != nil
	h.nextRound()
	a.advanceHunt(now)
}

// nextRound makes all candidates eligible again.
func (h *hunt) nextRound() {
	h.round++
	h.failures, h.resume = nil, time.Time{}
}

func (a *Agent) stopHunt(reason string) {
	h := &a.hunt
	for _, l := range h.attempts {
		a.disconnect(l, reason)
	}
	// RFC 5352, Section 3.6, SH3: "it MUST stop its T5-Serverhunt timer. The ASAP Endpoint SHOULD also reset the
	// T5-Serverhunt timer to its initial value"
	h.running, h.spare, h.attempts, h.failures = false, false, nil, nil
	h.t5, h.t5Value, h.resume, h.pause = time.Time{}, h.t5First, time.Time{}, huntPause
}

// advanceHunt connects to further candidates as far as there may be.
func (a *Agent) advanceHunt(now time.Time) {
	h := &a.hunt
	if !h.running {
		return
	}
	h.outdate(now)
	limit := maxConcurrent
	if h.spare {
		limit--
	}
	// RFC 5352, Section 3.6, SH1: "The PE or PU SHOULD try to establish an association or connection, with no more than
	// three ENRP servers."
	for len(h.attempts) < limit {
		c := a.nextCandidate()
		if c == nil {
			break
		}
		c.round, h.resume = h.round, time.Time{}
		l := a.newLink(c.addr, c)
		h.attempts = append(h.attempts, l)
		if h.t5.IsZero() {
			h.t5 = now.Add(h.t5Value) // SH2: "shall start a T5-Serverhunt timer"
		}
		a.do(Connect{Link: l.id, Addr: l.addr})
	}
	if len(h.attempts) > 0 || !h.resume.IsZero() {
		return
	}
	h.t5 = time.Time{}
	if h.spare {
		a.stopHunt("") // there is no other; the slow one remains
		return
	}
	h.lastErr = &HuntError{Failures: append(h.failures, a.unfits()...)}
	a.tell(EventHuntFailed{Err: h.lastErr})
	h.resume = now.Add(h.pause)
	h.pause = min(2*h.pause, h.t5First)
}

// nextCandidate returns the one to try next in this round, or nil.
func (a *Agent) nextCandidate() *candidate {
	h := &a.hunt
	best := []*candidate{}
	for _, c := range h.candidates {
		if c.round == h.round || a.unfit(c.addr) != nil || a.home != nil && a.home.mayBe(c) {
			continue
		}
		// Whose registrar the fallback is, nobody knows before it answers: nothing else is tried meanwhile.
		if slices.ContainsFunc(h.attempts, func(l *link) bool { return l.candidate.rank == rankFallback || l.mayBe(c) }) {
			continue
		}
		if (c.rank == rankFallback || c.silent) && len(h.attempts) > 0 {
			continue // others come first
		}
		if len(best) > 0 {
			switch order := cmp.Or(compareBool(c.silent, best[0].silent), cmp.Compare(c.rank, best[0].rank), cmp.Compare(c.failures, best[0].failures)); {
			case order > 0:
				continue
			case order < 0:
				best = best[:0]
			}
		}
		best = append(best, c)
	}
	if len(best) == 0 {
		return nil
	}
	return best[a.cfg.Rand.IntN(len(best))] // spread the load of many agents over the registrars
}

// mayBe reports whether a candidate may be the registrar that the link leads to. Two associations from one port to one
// registrar, at addresses that it announces apart, would be in each other's way: it takes both for one endpoint.
//
// RFC 9260, Section 5.1.2, D: "An INIT or INIT ACK chunk MUST be treated as belonging to an already established association
// (or one in the process of being established) if the use of any of the valid address parameters contained within the
// chunk would identify an existing TCB."
func (l *link) mayBe(c *candidate) bool {
	id := l.serverID
	if id == 0 && l.candidate != nil {
		id = l.candidate.serverID
	}
	switch {
	case l.candidate == c || id != 0 && id == c.serverID:
		return true
	case id != 0 && c.serverID != 0 || l.addr.TCP || c.addr.TCP || l.addr.Port != c.addr.Port || l.addr.encapPort() != c.addr.encapPort():
		return false
	case id != c.serverID && l.addr.isLoopback() != c.addr.isLoopback():
		return true // this host's registrar announces its other addresses
	}
	return slices.ContainsFunc(c.addr.IPs, func(ip netip.Addr) bool {
		return slices.Contains(l.addr.IPs, ip) || slices.Contains(l.peer, ip)
	})
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// connected ends the hunt: the first registrar wins.
func (a *Agent) connected(now time.Time, l *link) {
	h := &a.hunt
	h.attempts = slices.DeleteFunc(h.attempts, func(o *link) bool { return o == l })
	l.candidate.failures, h.lastErr = 0, nil
	a.setHome(now, l, false)
}

// connectFailed tries the next one.
//
// RFC 5352, Section 3.6, SH4: "If an association or connection establishment fails, the ASAP Endpoint SHOULD try to
// establish an association or connection using a different transport address."
func (a *Agent) connectFailed(now time.Time, l *link, err error) {
	h := &a.hunt
	h.attempts = slices.DeleteFunc(h.attempts, func(o *link) bool { return o == l })
	if err == nil {
		err = fmt.Errorf("registrar %v has shut down", l.addr)
	}
	l.candidate.failures++
	h.failures = append(h.failures, err)
	a.advanceHunt(now)
}

func (a *Agent) huntTimeout(now time.Time) {
	h := &a.hunt
	switch {
	case !h.running:
	case expired(h.resume, now):
		h.nextRound()
		a.advanceHunt(now)
	case expired(h.t5, now):
		// RFC 5352, Section 3.6, SH5.1: "The ASAP Endpoint MUST double the value of the T5-Serverhunt timer. Note that
		// this doubling is capped at the value RETRAN.max."
		waited := h.t5Value
		h.t5Value = min(2*h.t5Value, a.cfg.RetranMax)
		h.t5 = time.Time{}
		// SH5.2: "The ASAP Endpoint SHOULD stop the establishment of associations and connections with the transport
		// addresses selected in step SH1."
		attempts := h.attempts
		h.attempts = nil
		for _, l := range attempts {
			a.disconnect(l, "no answer in time")
			err := fmt.Errorf("registrar %v: no answer within %v", l.addr, waited)
			l.candidate.failures++
			h.failures = append(h.failures, err)
		}
		// SH5.2: "The ASAP Endpoint SHOULD repeat trying to establish an association or connection by proceeding to step
		// SH1. It SHOULD attempt to select a different set of transport addresses with which to connect."
		a.advanceHunt(now)
	}
}
