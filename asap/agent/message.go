// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// HandleMessage takes a message that came on a link with asap.PPID.
func (a *Agent) HandleMessage(now time.Time, id LinkID, data []byte) {
	l := a.links[id]
	if l == nil || !l.up {
		return
	}
	m, reports, err := asap.Parse(data)
	if len(reports) > 0 {
		// RFC 5352, Section 2.2.14: "the ASAP endpoint that discovered the error SHOULD send back an ASAP_ERROR message"
		a.send(l, &asap.Error{Errors: reports})
	}
	if err != nil {
		a.odd(l, err)
		return
	}
	switch m := m.(type) {
	case *asap.RegistrationResponse:
		a.onRegistrationResponse(now, l, m)
	case *asap.DeregistrationResponse:
		a.onDeregistrationResponse(now, l, m)
	case *asap.HandleResolutionResponse:
		a.onResolutionResponse(now, l, m)
	case *asap.EndpointKeepAlive:
		a.onKeepAlive(now, l, m)
	case *asap.Error:
		a.onError(now, l, m)
	default:
		a.odd(l, fmt.Errorf("%v is not for a pool element or a pool user", m.Type()))
	}
}

// onError takes an ASAP_ERROR. It does not say what it is about, but registrars answer in order, so it is the oldest
// request of all: RSPLIB answers some registrations that way, with causes of its own. Otherwise the user would have to
// wait for T1 or T2.
func (a *Agent) onError(now time.Time, l *link, m *asap.Error) {
	a.odd(l, fmt.Errorf("registrar reports: %w", m.Errors))
	if l != a.home || m.Errors.Has(param.CauseUnrecognizedParameter) {
		return // a remark about a message that was processed, or else the timer will tell
	}
	var oldest time.Time
	var e *element
	for _, o := range a.elements {
		if o.state == stateRegistering && (oldest.IsZero() || o.timer.Add(-a.cfg.T2Registration).Before(oldest)) {
			e, oldest = o, o.timer.Add(-a.cfg.T2Registration)
		}
	}
	if q := a.resolver.oldest(); q != nil && (e == nil || q.sent.Before(oldest)) {
		a.resolver.remove(q)
		err := &RejectedError{Op: "handle resolution", Handle: q.handle, Causes: m.Errors}
		a.answer(q, EventResolved{Err: err})
		a.unheard(now, q.handle, err)
		return
	}
	if e != nil {
		a.rejected(now, e, m.Errors)
	}
}
