// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"fmt"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.1, Registration.
var section3_1 = []conformance.Case{
	{ID: "5352/3.1/1", Run: func(t *conformance.T) {
		pe := t.NewPE(conformance.PEConfig{})
		r := pe.Register()
		t.Check(!r.Rejected, "R=0", "the registration was refused: %v", r.Errors)
		checkListed(t, t.Dial(tester.Setup{}), pe.Pool, pe.Element.ID)
	}},
	{ID: "5352/3.1/2", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{Policy: param.Policy{Type: param.WeightedRoundRobin, Weight: 3}})
		r := t.Resolve(t.Dial(tester.Setup{}), pe.Pool)
		t.Check(r.Policy.Type == param.WeightedRoundRobin, "policy 0x00000002", "policy %#08x", uint32(r.Policy.Type))
	}},
	{ID: "5352/3.1/3", Run: func(t *conformance.T) {
		refused(t, conformance.PEConfig{}, conformance.PEConfig{Policy: param.Policy{Type: param.Random}})
	}},
	{ID: "5352/3.1/4", Run: func(t *conformance.T) {
		r := refused(t, conformance.PEConfig{}, conformance.PEConfig{Policy: param.Policy{Type: param.Random}})
		t.Check(r.Errors.Has(param.CauseInconsistentPolicy), "cause 0x5 (Inconsistent Pooling Policy)", "%v", r.Errors)
	}},
	{ID: "5352/3.1/5", Run: func(t *conformance.T) {
		refused(t, conformance.PEConfig{}, conformance.PEConfig{Transport: tcp(t)})
	}},
	{ID: "5352/3.1/6", Run: func(t *conformance.T) {
		both := &param.Transport{Protocol: param.SCTP, Port: 4321, Use: param.DataPlusControl, Addrs: tcp(t).Addrs}
		refused(t, conformance.PEConfig{}, conformance.PEConfig{Transport: both})
	}},
	{ID: "5352/3.1/7", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{Policy: param.Policy{Type: param.WeightedRoundRobin, Weight: 3}, Life: 300})
		pe.Element.Policy.Weight, pe.Element.Life = 7, 600
		if r := pe.Register(); r.Rejected {
			t.Inconclusive("the second registration was refused: %v", r.Errors)
		}
		r := checkListed(t, t.Dial(tester.Setup{}), pe.Pool, pe.Element.ID)
		got := r.PoolElements[0]
		t.Check(got.Policy == pe.Element.Policy, "the new policy value, weight 7", "%+v", got.Policy)
		// What is left of the life would do, too.
		t.Check(got.Life > 300 && got.Life <= 600, "the new Registration Life, 600", "%d", got.Life)
	}},
	{ID: "5352/3.1/8", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		old := pe.Element.Policy
		pe.Element.Policy = param.Policy{Type: param.Random}
		r := pe.Register()
		t.Check(r.Rejected, "R=1", "the registration was granted")
		got := checkListed(t, t.Dial(tester.Setup{}), pe.Pool, pe.Element.ID).PoolElements[0]
		t.Check(got.Policy == old, "the old registration", "policy %+v", got.Policy)
	}},
	{ID: "5352/3.1/9", Run: func(t *conformance.T) {
		a, b := t.RegisterPE(conformance.PEConfig{}), t.NewPE(conformance.PEConfig{})
		b.Element.HomeID = 0x1234567 // not the registrar's
		if r := b.Register(); r.Rejected {
			t.Inconclusive("the second registration was refused: %v", r.Errors)
		}
		r := checkListed(t, t.Dial(tester.Setup{}), a.Pool, a.Element.ID, b.Element.ID)
		x, y := r.PoolElements[0].HomeID, r.PoolElements[1].HomeID
		t.Check(x != 0 && x == y && x != b.Element.HomeID, "the registrar's own Server Identifier in both pool elements", "%#x and %#x", x, y)
	}},
	{ID: "5352/3.1/10", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		pe := t.RegisterPE(conformance.PEConfig{})
		u := tester.ExpectENRP(p.Assoc, updateFor(pe))
		at := u.PoolElement.ASAPTransport
		t.Check(at != nil && at.Protocol == param.SCTP && at.Port == pe.Port && slices.Contains(at.Addrs, pe.Addr(pe.From).Addr()),
			"an ASAP Transport with address and port of the association", "%v, the association is from %v, SCTP port %d", at, pe.Addr(pe.From).Addr(), pe.Port)
	}},
	{ID: "5352/3.1/11", Run: func(t *conformance.T) {
		pe := t.NewPE(conformance.PEConfig{})
		for _, refused := range []bool{false, true} {
			if refused {
				pe.Element.Policy = param.Policy{Type: param.Random}
			}
			r := pe.Register()
			t.Check(r.Rejected == refused, "R=0, and R=1 for another policy", "R=%t", r.Rejected)
			tester.ExpectNoASAP[*asap.RegistrationResponse](pe.Assoc, nil)
		}
	}},
	{ID: "5352/3.1/12", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		pe := t.RegisterPE(conformance.PEConfig{})
		u := tester.ExpectENRP(p.Assoc, updateFor(pe))
		t.Check(u.Action == enrp.AddPE, "ADD_PE", "%v", u.Action)
	}},
	{ID: "5352/3.1/13", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		a := t.RegisterPE(conformance.PEConfig{})
		tester.ExpectENRP(p.Assoc, updateFor(a)) // S does tell
		b := t.NewPE(conformance.PEConfig{Policy: param.Policy{Type: param.Random}})
		if r := b.Register(); !r.Rejected {
			t.Inconclusive("the registration was granted")
		}
		tester.ExpectNoENRP(p.Assoc, updateFor(b))
	}},
	{ID: "5352/3.1/14", Run: func(t *conformance.T) {
		r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
		t.Do("register", conformance.Args{"registrar": where, "pool": string(t.Pool())})
		r.Accept()
		// A message without one of the parameters is none of this type.
		reg := tester.ExpectASAP[*asap.Registration](r.Assoc, nil)
		t.Check(reg.PoolHandle == t.Pool(), "the pool handle "+string(t.Pool()), "%q", reg.PoolHandle)
		e := reg.PoolElement
		t.Check(e.UserTransport.Protocol != 0 && e.Policy.Type != 0, "User Transport and Member Selection Policy", "%+v", e)
	}},
	{ID: "5352/3.1/15", Run: func(t *conformance.T) {
		r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
		from := map[uint32]int{}
		for i := range 10 {
			pool := t.Pool(fmt.Sprint(i))
			if i > 0 {
				// Once more over the same association, or over a new one.
				more, _ := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
				more.ServerID = r.ServerID
				t.Do("register", conformance.Args{"registrar": where, "pool": string(pool)})
				t.Until(t.Wait(), func() bool { return len(r.Messages()) > 0 || len(more.Unread()) > 0 })
				if len(more.Unread()) > 0 {
					r = more
					r.Accept()
				}
			} else {
				t.Do("register", conformance.Args{"registrar": where, "pool": string(pool)})
				r.Accept()
			}
			reg, _, ok := tester.NextASAP(r.Assoc, t.Wait(), func(m *asap.Registration) bool { return m.PoolHandle == pool })
			if !ok {
				t.Inconclusive("the pool element did not register; seen: %s", r.SeenMessages())
			}
			r.Grant(reg)
			id := reg.PoolElement.ID
			before, twice := from[id]
			t.Check(!twice, "another PE Identifier each time", "%#x the times %d and %d", id, before, i)
			from[id] = i
		}
	}},
	{ID: "5352/3.1/16", Run: func(t *conformance.T) { reregister(t) }},
	{ID: "5352/3.1/17", Run: func(t *conformance.T) {
		r, again := reregister(t)
		t.Check(again.PoolElement.ID == r.Registered.PoolElement.ID, "the same PE Identifier", "%#x, before %#x", again.PoolElement.ID, r.Registered.PoolElement.ID)
	}},
	{ID: "5352/3.1/18", Run: func(t *conformance.T) {
		r := newSilent(t, asap.Port)
		t.Do("register", conformance.Args{"registrar": r.where, "pool": string(t.Pool())})
		if !t.Until(t.Wait(), r.asked) {
			t.Inconclusive("the pool element did not register; seen: %s", r.SeenMessages())
		}
		reg := tester.ExpectASAP[*asap.Registration](r.Assoc, nil)
		r.SendASAP(&asap.RegistrationResponse{Rejected: true, PoolHandle: reg.PoolHandle, PEID: reg.PoolElement.ID,
			Errors: param.OperationError{param.InconsistentPolicy(param.Policy{Type: param.Random})}})
		// It may come over the same association, or over a new one.
		if t.Until(10*time.Second, r.asked) {
			again := tester.ExpectASAP[*asap.Registration](r.Assoc, nil)
			t.Check(again.PoolElement.Policy != reg.PoolElement.Policy, "the registration is not sent again as it was", "it came again: %+v", again)
		}
	}},
}

// updateFor matches the ENRP_HANDLE_UPDATE about a pool element.
func updateFor(pe *conformance.PESide) func(*enrp.HandleUpdate) bool {
	return func(m *enrp.HandleUpdate) bool { return m.PoolHandle == pe.Pool && m.PoolElement.ID == pe.Element.ID }
}

// reregister lets a pool element register for 30 s and checks that it does so again in time.
func reregister(t *conformance.T) (*conformance.RegistrarSide, *asap.Registration) {
	r := t.Registrar(conformance.Args{"pool": string(t.Pool()), "lifetime": "30"})
	life := time.Duration(r.Registered.PoolElement.Life) * time.Second
	if r.Registered.PoolElement.Life == param.LifeInfinite || life > 10*time.Minute {
		t.Inconclusive("the Registration Life is %d, asked for were 30 s", r.Registered.PoolElement.Life)
	}
	again, _, ok := tester.NextASAP[*asap.Registration](r.Assoc, life, nil)
	t.Check(ok, fmt.Sprintf("a registration within %v", life), "none; seen: %s", r.SeenMessages())
	return r, again
}
