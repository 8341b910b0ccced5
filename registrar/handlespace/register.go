// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"errors"
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// Registered says what a registration changed.
type Registered struct {
	Element *Element
	New     bool // a registration; otherwise a re-registration
	NewPool bool

	// What a re-registration replaced: the home ENRP server and the association.
	OldHome  uint32
	OldAssoc uint64
}

// Register adds a pool element, or replaces the attributes of the one with the same identifier. Its owner is
// pe.HomeID. The association it came over is assoc, a number above 0 of the caller's choice; 0 for an element known from
// another registrar. Timers, BadReports and the place in the order of the policy survive a re-registration. The
// addresses in pe are kept and must not be changed afterwards. The error is an [*Error]; then nothing has changed.
func (s *Space) Register(h param.PoolHandle, pe param.PoolElement, assoc uint64) (Registered, error) {
	refuse := func(code param.CauseCode, err error) (Registered, error) {
		return Registered{}, &Error{Code: code, Handle: h, ID: pe.ID, Err: err}
	}
	if h == "" {
		return refuse(param.CauseInvalidValues, errors.New("the pool handle is empty"))
	}
	p := s.pools[h]
	var e *Element
	if p != nil {
		if err := p.consistent(&pe); err != nil {
			return Registered{}, err
		}
		e = p.Lookup(pe.ID)
	}
	if e == nil && s.cfg.MaxElements >= 0 && s.elements >= s.cfg.MaxElements {
		return refuse(param.CauseLackOfResources, fmt.Errorf("there are %d pool elements already", s.elements))
	}
	if p == nil {
		var err error
		if p, err = s.newPool(h, &pe); err != nil {
			return refuse(param.CauseInvalidValues, err)
		}
	}
	if e != nil {
		// RFC 5352, Section 3.1: "the ENRP server SHOULD replace the attributes of the existing PE with the information
		// carried in the received ASAP_REGISTRATION message."
		if err := p.selector.Update(&e.member, pe.Policy); err != nil {
			return refuse(param.CauseInvalidValues, err)
		}
		r := Registered{Element: e, OldHome: e.pe.HomeID, OldAssoc: e.assoc}
		other := pe.Policy != e.pe.Policy || pe.EncapPort != e.pe.EncapPort || !pe.UserTransport.Equal(e.pe.UserTransport)
		s.SetHome(e, pe.HomeID)
		e.pe = pe
		e.unshow()
		e.Marked = false
		s.Bind(e, assoc)
		if other {
			s.changed(p)
		}
		return r, nil
	}
	e = &Element{pool: p, pe: pe}
	e.member.Elem, e.byID.Value, e.owned.Value = e, e, e
	for i := range e.timers {
		t := &e.timers[i]
		t.element, t.kind, t.node.Value = e, Timer(i), t
	}
	if err := p.selector.Insert(&e.member, pe.Policy); err != nil {
		return refuse(param.CauseInvalidValues, err)
	}
	r := Registered{Element: e, New: true, NewPool: p.Len() == 0}
	if r.NewPool {
		s.pools[h] = p
		s.byHandle.Insert(&p.node)
	}
	p.elements.Insert(&e.byID)
	s.elements++
	s.own(e)
	s.Bind(e, assoc)
	s.changed(p)
	return r, nil
}

// newPool returns a pool as its first element wants it, not yet in the handlespace.
//
// RFC 5352, Section 3.1: "When a new pool is created, the overall member selection policy of the pool MUST be set to
// the policy type indicated by the first PE, the overall pool transport type MUST be set to the transport type indicated
// by the PE, and the overall pool data/control channel configuration MUST be set to what is indicated in the Transport
// Use field"
func (s *Space) newPool(h param.PoolHandle, pe *param.PoolElement) (*Pool, error) {
	rule, err := s.cfg.Policies.Rule(pe.Policy.Type)
	if err != nil {
		if !s.cfg.KeepUnknown {
			return nil, err
		}
		rule = &policy.Rule{Type: pe.Policy.Type, Name: pe.Policy.Type.String(),
			Value: func(param.Policy, uint64) uint64 { return 0 }}
	}
	sel, err := policy.NewSelector[*Element](rule, s.cfg.MaxIncrement)
	if err != nil {
		return nil, err
	}
	p := &Pool{
		handle:    h,
		policy:    pe.Policy,
		transport: pe.UserTransport,
		sum:       sumOf(h),
		selector:  sel,
		elements:  policy.NewTree(func(a, b *Element) bool { return a.pe.ID < b.pe.ID }),
	}
	p.node.Value = p
	return p, nil
}

// consistent checks a registration or re-registration against its pool.
//
// RFC 5352, Section 3.1: "the server MUST check if the policy type, transport type, and transport usage indicated by the
// registering PE is consistent with those of the pool. If different, the ENRP server MUST reject the registration."
func (p *Pool) consistent(pe *param.PoolElement) error {
	var code param.CauseCode
	switch t := &pe.UserTransport; {
	case pe.Policy.Type != p.policy.Type:
		code = param.CauseInconsistentPolicy
	case t.Protocol != p.transport.Protocol:
		code = param.CauseInconsistentTransportType
	case t.Use != p.transport.Use:
		code = param.CauseInconsistentDataControl
	default:
		return nil
	}
	return &Error{Code: code, Handle: p.handle, ID: pe.ID, Policy: p.policy, Transport: p.transport}
}

// Remove takes an element out of the handlespace, and its pool with the last one. It reports false if the element was
// removed before.
func (s *Space) Remove(e *Element) bool {
	p := e.pool
	if !p.elements.Remove(&e.byID) {
		return false
	}
	p.selector.Remove(&e.member)
	s.disown(e)
	s.Bind(e, 0)
	for i := range e.timers {
		s.StopTimer(e, Timer(i))
	}
	s.elements--
	if p.Len() == 0 {
		delete(s.pools, p.handle)
		s.byHandle.Remove(&p.node)
	}
	s.changed(p)
	return true
}

// Deregister removes a pool element and returns it, or nil if there is none.
func (s *Space) Deregister(h param.PoolHandle, id uint32) *Element {
	e := s.Lookup(h, id)
	if e != nil {
		s.Remove(e)
	}
	return e
}
