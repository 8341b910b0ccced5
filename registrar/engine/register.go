// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// A rejection is why a request is refused: what the log says and what the peer is told.
type rejection struct {
	reason string
	cause  param.Cause
}

func (r *rejection) Error() string { return r.reason }

// register answers an ASAP_REGISTRATION.
//
// RFC 5352, Section 3.1: "In all above cases, the ENRP server MUST reply to the requesting PE with an
// ASAP_REGISTRATION_RESPONSE message."
func (e *Engine) register(now time.Time, a *association, m *asap.Registration) {
	resp := asap.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PoolElement.ID}
	err := e.tryRegister(now, a, m)
	if err != nil {
		e.stats.Rejections++
		e.event(Event{Kind: EventRejected, Assoc: a.id, Handle: m.PoolHandle, ID: resp.PEID, Err: err})
		// RFC 5352, Section 3.1: "If the registration is rejected, the ENRP server MUST indicate the rejection by setting
		// the R flag in the ASAP_REGISTRATION_RESPONSE to '1'."
		resp.Rejected = true
		resp.Errors = param.OperationError{causeOf(err, &m.PoolElement)}
	}
	e.send(a, &resp)
}

// causeOf returns what to tell who tried to register pe.
func causeOf(err error, pe *param.PoolElement) param.Cause {
	if r, ok := errors.AsType[*rejection](err); ok {
		return r.cause
	}
	h, ok := errors.AsType[*handlespace.Error](err)
	if !ok {
		return param.Cause{Code: param.CauseUnspecified}
	}
	if h.Code == param.CauseInvalidValues {
		return param.InvalidValues(tlv(pe.Policy)) // the handlespace judges nothing else
	}
	return h.Cause()
}

func (e *Engine) tryRegister(now time.Time, a *association, m *asap.Registration) error {
	pe := m.PoolElement
	if err := e.check(a, m.PoolHandle, &pe); err != nil {
		return err
	}
	if _, err := e.cfg.Policies.Rule(pe.Policy.Type); err != nil {
		return &rejection{err.Error(), param.InvalidValues(tlv(pe.Policy))}
	}
	old := e.space.Lookup(m.PoolHandle, pe.ID)
	if err := e.checkIdentity(a, old); err != nil {
		return err
	}
	if old == nil || old.Assoc() != a.id {
		if a.elements >= e.cfg.MaxElementsPerAssoc {
			return lack("the association has %d pool elements already", a.elements)
		}
	}
	if e.space.Pool(m.PoolHandle) == nil && e.space.NumPools() >= e.cfg.MaxPools {
		return lack("there are %d pools already", e.space.NumPools())
	}
	// RFC 5352, Section 3.1, rule 4: "the ENRP server MUST assign itself the owner of this PE. If this is a
	// re-registration, the ENRP server MUST take over ownership of this PE". What the PE believes does not matter.
	pe.HomeID = e.cfg.ServerID
	// RFC 5352, Section 3.1, rule 4: "The ENRP server MUST also record the SCTP transport address from which it received
	// the ASAP_REGISTRATION in the ASAP Transport parameter TLV inside the PE parameter of this PE."
	pe.ASAPTransport = &param.Transport{Protocol: param.SCTP, Port: a.peer.Port,
		Addrs: slices.Clone(a.peer.Addrs[:min(len(a.peer.Addrs), param.MaxAddrs)])}
	if pe.EncapPort == 0 {
		pe.EncapPort = a.peer.EncapPort
	}
	e.setDistance(&pe.Policy, a)
	r, err := e.space.Register(m.PoolHandle, pe, a.id)
	if err != nil {
		return err
	}
	e.registered(now, a, r)
	return nil
}

// registered sets the timers of an element that has just shown that it is alive.
func (e *Engine) registered(now time.Time, a *association, r handlespace.Registered) {
	el := r.Element
	kind := EventReregistered
	if r.New {
		kind = EventRegistered
		e.stats.Registrations++
	} else {
		e.stats.Reregistrations++
	}
	if r.OldAssoc != a.id {
		a.elements++
		if old := e.assocs[r.OldAssoc]; old != nil {
			old.elements--
		}
	}
	e.show(el)
	el.BadReports = 0
	e.space.StopTimer(el, handlespace.TimerProbe)
	e.scheduleKeepAlive(now, el)
	if life, ends := e.life(el.PE().Life); ends {
		e.space.SetTimer(el, handlespace.TimerLife, now.Add(life))
	} else {
		e.space.StopTimer(el, handlespace.TimerLife)
	}
	e.event(Event{Kind: kind, Assoc: a.id, Handle: el.Pool().Handle(), ID: el.ID()})
	e.tellAdded(el) // before the answer: who gets that may ask another registrar next
}

// check judges what a registration says by itself and by its association. In ProfileRSPLIB it may drop addresses.
//
// RFC 5352, Section 3.1, rule 5: "The ENRP server may reject the registration due to other reasons such as invalid
// values, lack of resource, authentication failure, etc."
func (e *Engine) check(a *association, h param.PoolHandle, pe *param.PoolElement) error {
	t := &pe.UserTransport
	switch {
	case len(h) > e.cfg.MaxHandle:
		return &rejection{fmt.Sprintf("pool handle of %d bytes is longer than %d", len(h), e.cfg.MaxHandle),
			param.Cause{Code: param.CauseInvalidValues}}
	case pe.ID == 0:
		return invalid(pe, "PE identifier is 0")
	case pe.Life == 0:
		return invalid(pe, "registration life is 0")
	case t.Protocol != param.Opaque && t.Port == 0:
		return invalid(t, "user transport has port 0")
	}
	// RFC 5352, Section 2.2.1: "the IP address(es) of the PE that is registered within the Pool Element parameter MUST be
	// a subset of the IP address(es) used in the SCTP association, regardless of the registered transport protocol."
	if e.cfg.Profile == ProfileRSPLIB {
		// As RSPLIB does: what is left of the addresses counts.
		used := slices.DeleteFunc(slices.Clone(t.Addrs), func(x netip.Addr) bool { return !a.peer.has(x) })
		if len(used) == 0 && len(t.Addrs) > 0 {
			return &rejection{fmt.Sprintf("no user address is one of the association's %v", a.peer.Addrs),
				param.Cause{Code: param.CauseRSPLIBNoUserAddresses}}
		}
		t.Addrs = used
		return nil
	}
	for _, x := range t.Addrs {
		if !a.peer.has(x) {
			return invalid(t, "user address %v is none of the association's %v", x, a.peer.Addrs)
		}
	}
	return nil
}

// checkIdentity tells a pool element that registers again from another one with the same identifier. An element that was
// seen here before belongs to its association, and to others with the same host: it may have reconnected before its old
// association was found to be dead.
//
// RFC 5354, Section 3.12.5: "the PE Identifier it chooses has already been used by another PE in the pool"
func (e *Engine) checkIdentity(a *association, old *handlespace.Element) error {
	if old == nil || e.mayActFor(a, old) {
		return nil
	}
	return &rejection{fmt.Sprintf("the PE identifier is in use by %v", e.assocs[old.Assoc()].peer.Addrs),
		param.Cause{Code: param.CauseNonUniquePEIdentifier}}
}

// mayActFor reports whether who is behind an association can be taken for a pool element.
func (e *Engine) mayActFor(a *association, el *handlespace.Element) bool {
	if el.Assoc() == a.id {
		return true
	}
	old := e.assocs[el.Assoc()]
	return old == nil || old.peer.shares(&a.peer)
}

// invalid rejects a parameter and quotes it.
func invalid(p appender, format string, args ...any) error {
	return &rejection{fmt.Sprintf(format, args...), param.InvalidValues(tlv(p))}
}

func lack(format string, args ...any) error {
	return &rejection{fmt.Sprintf(format, args...), param.Cause{Code: param.CauseLackOfResources}}
}

type appender interface {
	AppendBinary([]byte) ([]byte, error)
}

// tlv returns a parameter as bytes. What was parsed can be encoded; if not, the cause goes without.
func tlv(p appender) []byte {
	b, _ := p.AppendBinary(nil)
	return b
}
