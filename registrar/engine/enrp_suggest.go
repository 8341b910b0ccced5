// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// maxSuggested is how many suggestions may wait: they are repeated with every re-registration.
const maxSuggested = 1 << 12

// betterHome returns the peer that would be the better home for an element: the one with the largest combination (XOR) of
// its identifier with the element's, if that is larger than this server's own (draft-dreibholz-rserpool-enrp-takeover). Nil
// if there is none, or if suggestions are off. Only those who say that they are safe with it get one: not RSPLIB: there, an element is gone
// until it registers the next time. Nor is there a better home for one of several elements of the same process: it moves
// with all of them, and would go to and fro.
func (e *Engine) betterHome(el *handlespace.Element) *peer {
	if a := e.assocs[el.Assoc()]; a != nil && a.elements > 1 {
		return nil
	}
	return e.bestHome(el)
}

func (e *Engine) bestHome(el *handlespace.Element) (best *peer) {
	if e.scope == nil || !e.scope.cfg.SuggestTakeover {
		return nil
	}
	most := e.cfg.ServerID ^ el.ID()
	for _, p := range e.scope.peers {
		if p.assoc != nil && p.state == PeerActive && e.suggestible(p) && p.id^el.ID() > most {
			best, most = p, p.id^el.ID()
		}
	}
	return best
}

// A suggestion is a suggestion of a takeover to this server, which waits until everybody knows of the registration.
type suggestion struct {
	at     time.Time
	handle param.PoolHandle
	id     uint32
	by     uint32 // its home
}

// suggested notes that this server would be the better home of an element. It is followed when the update has arrived
// everywhere: were this server's own update faster than that of the home, others would take the element for that one's, and
// lose it in the next audit.
func (e *Engine) suggested(now time.Time, h param.PoolHandle, id, by uint32) {
	s := e.scope
	if s.cfg.SuggestTakeover && len(s.suggestions) < maxSuggested {
		s.suggestions = append(s.suggestions, suggestion{now.Add(crossing), h, id, by})
	}
}

// suggestionsTimeout asks elements to make this server their home. They are and stay owned by the other one until they have
// agreed: make before break.
func (e *Engine) suggestionsTimeout(now time.Time) {
	s := e.scope
	n := 0
	for ; n < len(s.suggestions) && !s.suggestions[n].at.After(now); n++ {
		x := &s.suggestions[n]
		if el := e.space.Lookup(x.handle, x.id); el != nil && el.Home() == x.by && len(s.adoptions.queue) < maxSuggested {
			e.enqueue(now, el, false)
		}
	}
	if n > 0 {
		s.suggestions = slices.Delete(s.suggestions, 0, n)
		e.pumpAdoptions(now)
	}
}

// mayMove reports whether the elements of an association that has ended may be on their way to a better home of one of them.
func (e *Engine) mayMove(els []*handlespace.Element) bool {
	return slices.ContainsFunc(els, func(el *handlespace.Element) bool { return e.bestHome(el) != nil })
}

// move gives an element the time of a keep-alive to arrive at another home.
func (e *Engine) move(now time.Time, el *handlespace.Element) {
	e.space.Bind(el, 0)
	e.space.StopTimer(el, handlespace.TimerKeepAlive)
	e.space.SetTimer(el, handlespace.TimerProbe, now.Add(e.cfg.KeepAliveTimeout))
}

// accepted makes this server the home of an element that was asked for it and has acknowledged. It need not register first:
// RSPLIB's elements do that only when it is time for the next registration, and have left the old home by then.
//
// RFC 5352, Section 2.2.7: "When set to '1', indicates that the ENRP server that sends this message wants to be the Home ENRP
// server of the receiver of this message."
func (e *Engine) accepted(now time.Time, a *association, el *handlespace.Element) bool {
	i := slices.Index(a.invited, el)
	if i < 0 {
		return false
	}
	a.invited = slices.Delete(a.invited, i, i+1)
	if !el.In() || el.Home() == e.cfg.ServerID {
		return false
	}
	e.stats.KeepAliveAcks++
	e.stats.Adopted++
	e.space.SetHome(el, e.cfg.ServerID)
	e.space.Bind(el, a.id)
	a.elements++
	e.space.StopTimer(el, handlespace.TimerProbe)
	if e.cfg.KeepAliveInterval > 0 {
		e.scheduleKeepAlive(now, el)
	}
	e.tellAdded(el)
	return true
}
