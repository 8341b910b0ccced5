// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// minResyncPause and maxResyncPause bound the back-off of re-synchronizations that did not help. Its start is short enough
// for what was under way during the first one, its end rare enough for what never goes away.
const (
	minResyncPause = 2 * time.Second
	maxResyncPause = time.Minute
)

// A resync is the re-synchronization with a peer; there is one at a time.
type resync struct {
	running  bool
	deadline time.Time // for the next answer
	next     time.Time // not before
	pause    time.Duration
	elements int // received
}

// audit compares what a peer says of itself with what is known here.
//
// RFC 5353, Section 3.6.1, rule 5: "If the two values do NOT match, server A SHOULD consider that there is a handlespace
// inconsistency between itself and server B, and a re-synchronization process SHOULD be carried out immediately with server
// B".
func (e *Engine) audit(now time.Time, p *peer, sum param.PEChecksum) {
	y := &p.sync
	if !e.scope.operational || y.running || p.assoc == nil || !p.alive() {
		return
	}
	if sum == e.space.Checksum(p.id) {
		y.pause = 0
		return
	}
	if y.next.After(now) {
		return
	}
	e.stats.Resyncs++
	e.event(Event{Kind: EventResyncBegun, Peer: p.id, Count: e.space.NumOwned(p.id)})
	// RFC 5353, Section 3.6.3, step 1: "The ENRP server SHOULD first "mark" every PE it knows about that is owned by the peer
	// in its local handlespace database".
	for el := range e.owned(p.id) {
		el.Marked = true
	}
	// Step 2: "The ENRP server SHOULD then send an ENRP_HANDLE_TABLE_REQUEST message with the W flag set to '1' to the peer to
	// request a complete list of PEs owned by the peer".
	y.running, y.elements = true, 0
	y.pause = min(max(2*y.pause, minResyncPause), maxResyncPause)
	e.requestOwned(now, p)
}

func (e *Engine) requestOwned(now time.Time, p *peer) {
	p.sync.deadline = now.Add(e.scope.cfg.MaxTimeNoResponse)
	e.sendENRP(p.assoc, &enrp.HandleTableRequest{Header: e.header(p.id), OwnChildrenOnly: true})
}

// owned yields what a server owns. The walk goes on when the handlespace changes meanwhile.
func (e *Engine) owned(home uint32) func(func(*handlespace.Element) bool) {
	return func(yield func(*handlespace.Element) bool) {
		c := handlespace.WalkOwned(home)
		for {
			var el *handlespace.Element
			if el, c = e.space.Next(c); el == nil || !yield(el) {
				return
			}
		}
	}
}

// resyncTable takes a part of what the peer owns over.
//
// RFC 5353, Section 3.6.3, step 4: "If a PE entry being transferred already exists in its local database, the ENRP server
// MUST replace the entry with the copy found in the message and remove the "mark" from the entry."
func (e *Engine) resyncTable(now time.Time, p *peer, m *enrp.HandleTableResponse) {
	if m.Rejected || m.More && len(m.Pools) == 0 {
		e.resyncFails(now, p, "rejected")
		return
	}
	if p.sync.elements += e.merge(now, p, m, true); p.sync.elements > e.cfg.MaxElements {
		e.resyncFails(now, p, "it never ends")
		return
	}
	if m.More {
		e.requestOwned(now, p)
		return
	}
	// Step 5: "After transferring all the PE entries [...] the ENRP server SHOULD check whether there are still PE entries
	// that remain "marked" in its local handlespace. If so, the ENRP server SHOULD silently remove those "marked" entries."
	for el := range e.owned(p.id) {
		if el.Marked {
			e.remove(el, ReasonResync)
		}
	}
	p.sync.running, p.sync.deadline, p.sync.next = false, time.Time{}, now.Add(p.sync.pause)
	e.event(Event{Kind: EventResynchronized, Peer: p.id, Count: p.sync.elements})
}

// resyncFails ends a re-synchronization without a result. The next one begins with the pause doubled.
func (e *Engine) resyncFails(now time.Time, p *peer, why string) {
	if !p.sync.running {
		return
	}
	e.stats.ResyncsFailed++
	p.sync.running, p.sync.deadline, p.sync.next = false, time.Time{}, now.Add(p.sync.pause)
	e.event(Event{Kind: EventResyncFailed, Peer: p.id, Err: errors.New(why)})
}

func (e *Engine) resyncTimeout(now time.Time, p *peer) {
	p.sync.deadline = time.Time{}
	e.resyncFails(now, p, "no answer")
}
