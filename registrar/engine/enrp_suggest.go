// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// maxSuggested is how many suggestions may wait: they are repeated with every re-registration.
const maxSuggested = 1 << 12

// betterHome returns the peer that would be the better home for an element: the one with the largest combination (XOR) of
// its identifier with the element's, if that is larger than this server's own (draft-dreibholz-rserpool-enrp-takeover). Nil
// if there is none, or if suggestions are off. Only those who are known not to be RSPLIB get one: there, an element is gone
// until it registers the next time.
func (e *Engine) betterHome(el *handlespace.Element) (best *peer) {
	if e.scope == nil || !e.scope.cfg.SuggestTakeover {
		return nil
	}
	most := e.cfg.ServerID ^ el.ID()
	for _, p := range e.scope.peers {
		if p.assoc != nil && p.state == PeerActive && e.long(p) && p.id^el.ID() > most {
			best, most = p, p.id^el.ID()
		}
	}
	return best
}

// suggested asks an element to make this server its home. It is and stays owned by the other one until it has registered
// here: make before break.
func (e *Engine) suggested(now time.Time, h param.PoolHandle, id uint32) {
	if !e.scope.cfg.SuggestTakeover || len(e.scope.adoptions.queue) >= maxSuggested {
		return
	}
	if el := e.space.Lookup(h, id); el != nil {
		e.enqueue(now, el, false)
		e.pumpAdoptions(now)
	}
}

// mayMove reports whether an element whose association has ended may be on its way to a better home. It is given the time
// of a keep-alive to arrive there.
func (e *Engine) mayMove(now time.Time, el *handlespace.Element) bool {
	if e.betterHome(el) == nil {
		return false
	}
	e.space.StopTimer(el, handlespace.TimerKeepAlive)
	e.space.SetTimer(el, handlespace.TimerProbe, now.Add(e.cfg.KeepAliveTimeout))
	return true
}
