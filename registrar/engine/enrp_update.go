// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// tellAdded tells all peers of a registration or re-registration: their timers start over with each.
//
// RFC 5353, Section 3.3.1: "An ENRP server MUST announce this update to all its peers in a ENRP_HANDLE_UPDATE message with
// the Update Action field set to 'ADD_PE'".
func (e *Engine) tellAdded(el *handlespace.Element) {
	if e.scope != nil {
		e.tell(el, enrp.AddPE, e.betterHome(el))
	}
}

// tellRemoved tells all peers that an element is gone.
//
// RFC 5353, Section 3.3.2: "An ENRP server MUST announce the PE removal to all its peers in an ENRP_HANDLE_UPDATE message
// with the Update Action field set to DEL_PE". "The complete information of the PE and the pool it belongs to MUST be
// indicated in the message".
func (e *Engine) tellRemoved(el *handlespace.Element) {
	if e.scope != nil {
		e.tell(el, enrp.DelPE, nil)
	}
}

func (e *Engine) tell(el *handlespace.Element, action enrp.UpdateAction, better *peer) {
	// RFC 5353, Section 3.3.1: "The Home ENRP server SHOULD fill in its server ID in the Sending Server's ID field and leave
	// the Receiving Server's ID blank (i.e., all 0s)."
	m := &enrp.HandleUpdate{Header: e.header(0), Action: action, PoolHandle: el.Pool().Handle(), PoolElement: *el.PE()}
	if m.PoolElement.ASAPTransport == nil {
		return // it came from a peer without, and was refused
	}
	long := len(m.PoolHandle) > param.MaxHandleRSPLIB
	e.stats.UpdatesSent++
	e.groupcast(m, func(p *peer) bool { return p != better && (!long || e.long(p)) })
	if better != nil && (!long || e.long(better)) {
		m.TakeoverSuggested = true
		e.sendENRP(better.assoc, m)
	}
}

// tellOne tells one peer of an element, as if it had registered.
func (e *Engine) tellOne(el *handlespace.Element, p *peer) {
	m := &enrp.HandleUpdate{Header: e.header(p.id), PoolHandle: el.Pool().Handle(), PoolElement: *el.PE()}
	if m.PoolElement.ASAPTransport != nil && (len(m.PoolHandle) <= param.MaxHandleRSPLIB || e.long(p)) {
		e.sendENRP(p.assoc, m)
	}
}

// handleUpdate handles an ENRP_HANDLE_UPDATE.
func (e *Engine) handleUpdate(now time.Time, p *peer, m *enrp.HandleUpdate) {
	el := e.space.Lookup(m.PoolHandle, m.PoolElement.ID)
	switch {
	case m.Action == enrp.DelPE:
		if el == nil {
			return
		}
		// A server speaks for what it owns, and for what nobody owns. An element that has found a new home is not removed
		// because the old one has lost it.
		if home := el.Home(); home != p.id && (home == e.cfg.ServerID || e.ownerAlive(home)) {
			e.stats.Ignored++
			if home == e.cfg.ServerID && el.Assoc() != 0 {
				e.tellAdded(el) // others may have believed it
			}
			return
		}
		e.stats.UpdatesReceived++
		e.remove(el, ReasonUpdate)
	case m.PoolElement.HomeID != p.id:
		e.stats.Ignored++ // RFC 5353, Section 3.3.1: "the Home ENRP server uses this procedure to inform all its peers."
	case el != nil && e.crossed(now, el) && e.bestHome(el) != p: // that one may be faster than the end of the association here
		e.stats.Ignored++
	default:
		e.stats.UpdatesReceived++
		var c conflicts
		c.add(e.enter(now, p, m.PoolHandle, m.PoolElement))
		e.conflict(p, &c)
		if m.TakeoverSuggested && c.n == 0 {
			e.suggested(now, m.PoolHandle, m.PoolElement.ID, p.id)
		}
	}
}

// crossing is how long an update may have been under way.
const crossing = time.Second

// crossed reports whether a peer's update about an element is most likely older than what is known here: the element has
// just registered, and its association is alive. It does not stay with two for long: the one that it has left loses its
// association, or the next re-registration tells.
func (e *Engine) crossed(now time.Time, el *handlespace.Element) bool {
	if el.Home() != e.cfg.ServerID || e.assocs[el.Assoc()] == nil {
		return false
	}
	end, runs := el.Deadline(handlespace.TimerLife)
	life, _ := e.life(el.PE().Life)
	return runs && end.Add(-life).Add(crossing).After(now)
}

func (e *Engine) ownerAlive(home uint32) bool {
	p := e.scope.peer(home)
	return p != nil && p.alive()
}

var (
	errNoASAPTransport = errors.New("it has no ASAP transport, by which it could be taken over")
	errTooManyPools    = errors.New("there are too many pools")
)

// enter puts an element of a peer into the handlespace, or replaces it.
//
// RFC 5353, Section 3.3.1, rule 3: "If the named pool exists *and* the PE is already a member of the pool, the peer MUST
// replace the attributes of the PE with the new information carried in the message."
func (e *Engine) enter(now time.Time, p *peer, h param.PoolHandle, pe param.PoolElement) error {
	if len(h) > param.MaxHandleRSPLIB || pe.EncapPort != 0 {
		p.ours = true
	}
	refuse := func(code param.CauseCode, err error) error {
		return &handlespace.Error{Code: code, Handle: h, ID: pe.ID, Err: err}
	}
	switch {
	case pe.ID == 0 || pe.HomeID == 0:
		return refuse(param.CauseInvalidValues, errors.New("an identifier is 0"))
	case pe.ASAPTransport == nil:
		return refuse(param.CauseInvalidValues, errNoASAPTransport)
	case e.space.Pool(h) == nil && e.space.NumPools() >= e.cfg.MaxPools:
		return refuse(param.CauseLackOfResources, errTooManyPools)
	}
	e.addDistance(&pe.Policy, p)
	r, err := e.space.Register(h, pe, 0)
	if err != nil {
		return err
	}
	el := r.Element
	if a := e.assocs[r.OldAssoc]; a != nil {
		// It has found another home. RFC 5352, Section 3.1, rule 4: "If this is a re-registration, the ENRP server MUST take
		// over ownership of this PE". So this one has lost it, and nobody needs to be told.
		a.elements--
	}
	e.space.StopTimer(el, handlespace.TimerKeepAlive)
	e.space.StopTimer(el, handlespace.TimerProbe)
	if life, ends := e.life(pe.Life); !ends {
		e.space.StopTimer(el, handlespace.TimerLife)
	} else if _, runs := el.Deadline(handlespace.TimerLife); pe.HomeID == p.id || !runs {
		e.space.SetTimer(el, handlespace.TimerLife, now.Add(life))
	}
	return nil
}
