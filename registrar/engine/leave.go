// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// deregister answers an ASAP_DEREGISTRATION.
//
// RFC 5352, Section 3.2: "Upon receiving the message, the ENRP server SHALL remove the PE from its handlespace." and "If
// the ENRP server fails to find any record of the PE in its handlespace, it SHOULD consider the de-registration granted
// and completed, and send an ASAP_DEREGISTRATION_RESPONSE message to the PE."
func (e *Engine) deregister(a *association, m *asap.Deregistration) {
	resp := asap.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID}
	el := e.space.Lookup(m.PoolHandle, m.PEID)
	switch {
	case el == nil:
	case !e.mayActFor(a, el), el.Assoc() == 0 && !sameHost(a, el):
		// RFC 5352, Section 2.2.2: "Note that de-registration is NOT allowed by proxy; in other words, a PE may only
		// de-register itself." The same host will do: Section 3.2 only recommends the association of the registration.
		resp.Errors = param.OperationError{{Code: param.CauseRejectedSecurity}}
		e.stats.Rejections++
		e.event(Event{Kind: EventRejected, Assoc: a.id, Handle: m.PoolHandle, ID: m.PEID,
			Err: fmt.Errorf("deregistration by %v of a pool element of another host", a.peer.Addrs)})
	default:
		e.stats.Deregistrations++
		if el.Home() != e.cfg.ServerID {
			// It has lost its home, and deregisters here. Only the owner can remove it everywhere.
			e.space.SetHome(el, e.cfg.ServerID)
			if e.scope != nil {
				e.tell(el, enrp.AddPE, nil)
			}
		}
		e.remove(el, ReasonDeregistered)
	}
	e.send(a, &resp)
}

// sameHost reports whether an element known from a peer is on the host behind an association.
func sameHost(a *association, el *handlespace.Element) bool {
	t := el.PE().ASAPTransport
	return t == nil || slices.ContainsFunc(t.Addrs, a.peer.has)
}

// remove takes an element out of the handlespace.
func (e *Engine) remove(el *handlespace.Element, why Reason) {
	assoc := el.Assoc()
	if !e.space.Remove(el) {
		return
	}
	if a := e.assocs[assoc]; a != nil {
		a.elements--
	}
	e.stats.Removed[why]++
	e.event(Event{Kind: EventRemoved, Assoc: assoc, Handle: el.Pool().Handle(), ID: el.ID(), Reason: why})
	if el.Home() == e.cfg.ServerID {
		e.tellRemoved(el)
	}
}

// life returns how long a registration lasts, unless it lasts for ever.
//
// RFC 5354, Section 3.10: "Indicates the lifetime of the registration in number of seconds. A value of -1 indicates
// infinite lifetime."
func (e *Engine) life(raw uint32) (d time.Duration, ends bool) {
	unit := time.Second
	if e.cfg.Profile == ProfileRSPLIB || e.cfg.Profile == ProfileAuto && raw > AutoMillis {
		unit = time.Millisecond
	}
	return time.Duration(raw) * unit, raw != param.LifeInfinite
}

// lifeEnds removes an element that has not re-registered.
//
// RFC 5352, Section 3.2: "In this case, an ASAP_DEREGISTRATION_RESPONSE message is sent to the PE's ASAP Endpoint to
// indicate the removal of the PE from the pool it registered."
func (e *Engine) lifeEnds(el *handlespace.Element) {
	a := e.assocs[el.Assoc()]
	e.remove(el, ReasonLifeEnded)
	if a != nil && e.cfg.Profile != ProfileRSPLIB { // whose clients take it for the answer to another request
		e.send(a, &asap.DeregistrationResponse{PoolHandle: el.Pool().Handle(), PEID: el.ID()})
	}
}
