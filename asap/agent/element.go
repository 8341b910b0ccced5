// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// elementState is the state of a registration.
type elementState uint8

const (
	stateWaiting       elementState = iota // for a home registrar
	stateRegistering                       // t2Registration runs
	stateRegistered                        // t4Reregistration runs
	stateRejected                          // nothing happens before the user changes something
	stateLeaving                           // for a home registrar, to deregister
	stateDeregistering                     // t3Deregistration runs
)

// element is a pool element that is registered, or is to be.
type element struct {
	Registration
	state    elementState
	timer    time.Time // t2Registration, t3Deregistration or t4Reregistration
	attempts int       // registrations or deregistrations without an answer
	changed  bool      // since the registration which is under way
	sent     bool      // a registration was sent, ever
	since    LinkID    // the home registrar that has accepted it last; 0: none
}

func (a *Agent) element(k Key) *element {
	i := slices.IndexFunc(a.elements, func(e *element) bool { return e.Key == k })
	if i < 0 {
		return nil
	}
	return a.elements[i]
}

func (a *Agent) removeElement(e *element) {
	a.elements = slices.DeleteFunc(a.elements, func(o *element) bool { return o == e })
}

// Register registers a pool element and keeps it registered (Registration.Request, RFC 5352, Section 6.1). For one
// that is registered it changes the policy, the transport or the timing at once. Results come as EventRegistered and
// EventUnregistered. The error says what is wrong with the registration itself.
func (a *Agent) Register(now time.Time, r Registration) error {
	if err := r.check(&a.cfg); err != nil {
		return err
	}
	if a.cfg.NoSCTP {
		return fmt.Errorf("agent: register in pool %.32q: %w", r.Handle, ErrNeedsSCTP)
	}
	r.Transport.Addrs = slices.Clone(r.Transport.Addrs)
	e := a.element(r.Key)
	if e == nil {
		e = &element{Registration: r}
		a.elements = append(a.elements, e)
		a.leaveTCP(now)
	}
	e.Registration = r
	switch e.state {
	case stateRegistering:
		e.changed = true // once the answer is there: answers cannot be told apart
	case stateDeregistering, stateLeaving:
		e.changed, e.attempts, e.state, e.since = false, 0, stateWaiting, 0
		a.register(now, e)
	default:
		e.attempts = 0
		a.register(now, e)
	}
	return nil
}

// UpdatePolicy changes the policy of an element at once.
//
// RFC 5352, Section 3.1: "At any time, a registered PE MAY wish to re-register to either update its member selection
// Policy Value or registration expiration time. When re-registering, the PE MUST use the same PE identifier."
func (a *Agent) UpdatePolicy(now time.Time, k Key, p param.Policy) error {
	e := a.element(k)
	if e == nil || e.state == stateLeaving || e.state == stateDeregistering {
		return fmt.Errorf("agent: element %#08x in pool %q is not registered", k.ID, k.Handle)
	}
	r := e.Registration
	r.Policy = p
	return a.Register(now, r)
}

// UpdateAddrs changes the addresses of an element's transport at once.
func (a *Agent) UpdateAddrs(now time.Time, k Key, addrs []netip.Addr) error {
	e := a.element(k)
	if e == nil || e.state == stateLeaving || e.state == stateDeregistering {
		return fmt.Errorf("agent: element %#08x in pool %q is not registered", k.ID, k.Handle)
	}
	r := e.Registration
	r.Transport.Addrs = addrs
	return a.Register(now, r)
}

// NotePolicy changes the policy of an element with its next re-registration.
func (a *Agent) NotePolicy(k Key, p param.Policy) error {
	e := a.element(k)
	if e == nil || e.state == stateLeaving || e.state == stateDeregistering {
		return fmt.Errorf("agent: element %#08x in pool %q is not registered", k.ID, k.Handle)
	}
	r := e.Registration
	r.Policy = p
	if err := r.check(&a.cfg); err != nil {
		return err
	}
	e.Policy = p
	return nil
}

// register sends ASAP_REGISTRATION, or waits for somebody to send it to.
//
// RFC 5352, Section 3.1, R3, R4: "Send the ASAP_REGISTRATION message to the Home ENRP server using SCTP. Start a
// T2-registration timer."
func (a *Agent) register(now time.Time, e *element) {
	e.changed = false
	if a.home == nil {
		e.state, e.timer = stateWaiting, time.Time{}
		return
	}
	e.state, e.timer, e.sent = stateRegistering, now.Add(a.cfg.T2Registration), true
	a.send(a.home, e.message(&a.cfg, a.home))
}

// Deregister takes a pool element out of its pool (Deregistration.Request, RFC 5352, Section 6.2). The result comes as
// EventDeregistered, also for one that is not known.
func (a *Agent) Deregister(now time.Time, k Key) {
	e := a.element(k)
	if e == nil || !e.sent {
		if e != nil {
			a.removeElement(e)
		}
		a.tell(EventDeregistered{Key: k})
		return
	}
	if e.state == stateRejected {
		a.removeElement(e) // the registrar has nothing to remove
		a.tell(EventDeregistered{Key: k})
		return
	}
	e.attempts = 0
	a.deregister(now, e)
}

// deregister sends ASAP_DEREGISTRATION.
//
// RFC 5352, Section 3.2, D3, D4: "Send the ASAP_DEREGISTRATION message to the Home ENRP server using the PE's SCTP
// association. Start a T3-Deregistration timer."
func (a *Agent) deregister(now time.Time, e *element) {
	if a.home == nil {
		e.state, e.timer = stateLeaving, time.Time{}
		return
	}
	e.state, e.timer = stateDeregistering, now.Add(a.cfg.T3Deregistration)
	a.send(a.home, &asap.Deregistration{PoolHandle: e.Handle, PEID: e.ID})
}

// Forget drops a pool element without telling anybody.
func (a *Agent) Forget(k Key) {
	if e := a.element(k); e != nil {
		a.removeElement(e)
	}
}

// elementHome restarts what was interrupted, with a new home registrar.
//
// RFC 5352, Section 3.1: "After establishing a new Home ENRP server, the PE SHOULD restart the registration procedure."
// It does so at once: until the registrar has heard of the element, pool users do not find it.
func (a *Agent) elementHome(now time.Time, e *element) {
	switch e.state {
	case stateWaiting, stateRegistering, stateRegistered:
		a.register(now, e)
	case stateLeaving, stateDeregistering:
		a.deregister(now, e)
	}
}

func (a *Agent) elementHomeless(e *element, err error) {
	e.timer, e.changed = time.Time{}, false
	switch e.state {
	case stateRegistered, stateRegistering:
		if e.since != 0 {
			a.tell(EventUnregistered{Key: e.Key, Err: err})
		}
		e.state, e.since = stateWaiting, 0
	case stateDeregistering:
		e.state = stateLeaving
	}
}

func (a *Agent) elementTimeout(now time.Time, e *element) {
	switch e.state {
	case stateRegistered:
		// RFC 5352, Section 3.1: "At its expiration, a re-registration SHOULD be made starting at step R1, including (at
		// completion) restarting the T4-reregistration timer."
		a.register(now, e)
	case stateRegistering:
		e.attempts++
		err := &TimeoutError{Op: "registration", Handle: e.Handle, Attempts: e.attempts, After: a.cfg.T2Registration}
		// RFC 5352, Section 3.1: "If repeated registration timeouts or failures occurs and the local count exceeds the
		// Threshold 'MAX-REG-ATTEMPT', the implementation SHOULD report the error to its upper layer and stop attempting
		// registration."
		final := a.cfg.MaxRegAttempt > 0 && e.attempts > a.cfg.MaxRegAttempt
		a.tell(EventUnregistered{Key: e.Key, Err: err, Final: final})
		e.state, e.timer, e.since = stateWaiting, time.Time{}, 0
		if final {
			e.state = stateRejected
		}
		// RFC 5352, Section 3.1: "If the T2-registration timer expires before receiving an ASAP_REGISTRATION_RESPONSE
		// message, or a SEND.FAILURE notification is received from the SCTP layer, the PE shall start the Server Hunt
		// procedure (see Section 3.6) in an attempt to get service from a different ENRP server."
		a.leaveHome(now, err)
	case stateDeregistering:
		e.attempts++
		err := &TimeoutError{Op: "deregistration", Handle: e.Handle, Attempts: e.attempts, After: a.cfg.T3Deregistration}
		e.state, e.timer = stateLeaving, time.Time{}
		if a.cfg.MaxRegAttempt < 0 || e.attempts > a.cfg.MaxRegAttempt {
			a.removeElement(e) // it is on its way out anyway, and its registration life will end
			a.tell(EventDeregistered{Key: e.Key, Err: err})
		}
		// RFC 5352, Section 3.2: "the PE's ASAP Endpoint shall start the ENRP Server Hunt procedure (see Section 3.6) in an
		// attempt to get service from another ENRP server. After establishing a new Home ENRP server, the ASAP Endpoint
		// SHOULD restart the de-registration procedure."
		a.leaveHome(now, err)
	}
}

func (a *Agent) onRegistrationResponse(now time.Time, l *link, m *asap.RegistrationResponse) {
	e := a.element(Key{m.PoolHandle, m.PEID})
	if l != a.home || e == nil || e.state != stateRegistering {
		a.odd(l, fmt.Errorf("%v for element %#08x in pool %q, which waits for none", m.Type(), m.PEID, m.PoolHandle))
		return
	}
	if m.Rejected {
		a.rejected(now, e, m.Errors)
		return
	}
	first := e.since != l.id
	l.answered()
	// RFC 5352, Section 3.1: "At the reception of the registration response, the PE MUST stop the T2-registration timer."
	// And: "After successful registration, the PE MUST start a T4-reregistration timer."
	t4, _ := e.timing(&a.cfg)
	e.state, e.timer, e.attempts, e.since = stateRegistered, now.Add(t4), 0, l.id
	a.tell(EventRegistered{Key: e.Key, First: first, Warnings: m.Errors})
	if e.changed {
		a.register(now, e)
	}
}

// rejected ends a registration that the registrar does not want.
//
// RFC 5352, Section 3.1: "If the registration response indicates a failure, the PE must either re-attempt registration
// after correcting the error or return a failure indication to the PE's upper layer. The PE MUST NOT re-attempt
// registration without correcting the error condition."
func (a *Agent) rejected(now time.Time, e *element, causes param.OperationError) {
	err := &RejectedError{Op: "registration", Handle: e.Handle, PEID: e.ID, Causes: causes}
	e.timer, e.since = time.Time{}, 0
	switch {
	case e.changed:
		a.register(now, e) // the user has changed it meanwhile; that may have been the correction
	case isRetryElsewhere(causes):
		e.state = stateWaiting
		a.tell(EventUnregistered{Key: e.Key, Err: err})
		a.leaveHome(now, err)
	default:
		e.state = stateRejected
		a.tell(EventUnregistered{Key: e.Key, Err: err, Final: true})
	}
}

func (a *Agent) onDeregistrationResponse(now time.Time, l *link, m *asap.DeregistrationResponse) {
	e := a.element(Key{m.PoolHandle, m.PEID})
	if l != a.home || e == nil {
		a.odd(l, fmt.Errorf("%v for element %#08x in pool %q, which is none of ours", m.Type(), m.PEID, m.PoolHandle))
		return
	}
	switch e.state {
	case stateDeregistering:
		// RFC 5352, Section 3.2: "At the reception of the ASAP_DEREGISTRATION_RESPONSE, the PE's ASAP endpoint MUST stop
		// the T3-Deregistration timer."
		var err error
		if len(m.Errors) > 0 {
			err = &RejectedError{Op: "deregistration", Handle: e.Handle, PEID: e.ID, Causes: m.Errors}
		}
		a.removeElement(e)
		a.tell(EventDeregistered{Key: e.Key, Err: err})
	case stateRegistered:
		// RFC 5352, Section 2.2.4: "or due to the expiration of the registration life of the PE in the pool." Whoever is
		// still here wants to stay; but not in a tight loop.
		e.since = 0
		a.tell(EventUnregistered{Key: e.Key, Err: errExpired})
		e.timer = now.Add(minReregistration)
	default:
		a.odd(l, fmt.Errorf("%v for element %#08x in pool %q, which waits for none", m.Type(), m.PEID, m.PoolHandle))
	}
}

// onKeepAlive answers ASAP_ENDPOINT_KEEP_ALIVE for the elements it is for.
func (a *Agent) onKeepAlive(now time.Time, l *link, m *asap.EndpointKeepAlive) {
	ours := false
	for _, e := range a.elements {
		// RFC 5352, Section 3.4, KA1: "The PE must verify that the Pool Handle is correct and matches the Pool Handle sent
		// in its earlier ASAP_REGISTRATION message. If the Pool Handle does not match, the PE MUST silently discard the
		// message." A PE Identifier, if there is one, is verified too.
		if e.Handle != m.PoolHandle || m.PEID != 0 && m.PEID != e.ID || !e.sent || e.state == stateRejected {
			continue
		}
		ours = true
		// KA2.3: "Send the ASAP_ENDPOINT_KEEP_ALIVE_ACK message via the appropriate SCTP association for the ENRP server
		// that sent the ASAP_ENDPOINT_KEEP_ALIVE message."
		a.send(l, &asap.EndpointKeepAliveAck{PoolHandle: e.Handle, PEID: e.ID})
	}
	if !ours {
		return
	}
	// KA2.4: "If the H flag in the received ASAP_ENDPOINT_KEEP_ALIVE message is set, and the Server Identifier in the
	// message is NOT the identity of your Home ENRP server (or it is not set, e.g., you have a no Home ENRP server) adopt
	// the sender of the ASAP_ENDPOINT_KEEP_ALIVE message as the new Home ENRP server."
	known := a.home != nil && a.home.serverID != 0 && a.home.serverID == m.ServerID
	l.serverID = m.ServerID
	if m.Home && !known && l != a.home {
		a.setHome(now, l, true)
	}
}
