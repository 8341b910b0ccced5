// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3.2, De-Registration.
var section3_2 = []conformance.Case{
	{ID: "5352/3.2/1", Run: func(t *conformance.T) {
		r := t.RegisterPE(conformance.PEConfig{}).Deregister()
		t.Check(len(r.Errors) == 0, "no Operation Error", "%v", r.Errors)
	}},
	{ID: "5352/3.2/2", Run: func(t *conformance.T) {
		a, b := t.RegisterPE(conformance.PEConfig{}), t.RegisterPE(conformance.PEConfig{})
		pu := t.Dial(tester.Setup{})
		checkListed(t, pu, a.Pool, a.Element.ID, b.Element.ID)
		a.Deregister()
		checkListed(t, pu, a.Pool, b.Element.ID)
	}},
	{ID: "5352/3.2/3", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		pu := t.Dial(tester.Setup{})
		checkListed(t, pu, pe.Pool, pe.Element.ID)
		pe.Deregister()
		r := t.Resolve(pu, pe.Pool)
		t.Check(r.Errors.Has(param.CauseUnknownPoolHandle), "cause 0x9 (Unknown Pool Handle)", "%v, %d pool elements", r.Errors, len(r.PoolElements))
	}},
	{ID: "5352/3.2/4", Run: func(t *conformance.T) {
		t.RegisterPE(conformance.PEConfig{})
		r := t.NewPE(conformance.PEConfig{}).Deregister()
		t.Check(len(r.Errors) == 0, "no Operation Error", "%v", r.Errors)
	}},
	{ID: "5352/3.2/5", Run: func(t *conformance.T) {
		pu := t.Dial(tester.Setup{})
		pe := t.RegisterPE(conformance.PEConfig{Life: 3})
		start := time.Now()
		checkListed(t, pu, pe.Pool, pe.Element.ID)
		r, m, ok := tester.NextASAP(pe.Assoc, 3*time.Second+t.Wait(), func(m *asap.DeregistrationResponse) bool { return m.PEID == pe.Element.ID })
		t.Check(ok, "ASAP_DEREGISTRATION_RESPONSE when the registration expires, after 3 s", "none; seen: %s", pe.SeenMessages())
		t.Check(r.PoolHandle == pe.Pool, "its pool handle", "%q", r.PoolHandle)
		after := m.At.Sub(start)
		t.Check(after > 2*time.Second, "the registration lasts 3 s", "it ended after %v", after)
		t.Check(!lists(t, pu, pe.Pool, pe.Element.ID), "the pool element is gone", "it is still listed")
	}},
	{ID: "5352/3.2/6", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		t.Do("deregister", nil)
		d, _, ok := tester.NextASAP[*asap.Deregistration](r.Assoc, t.Wait(), nil)
		if !ok {
			t.Inconclusive("no ASAP_DEREGISTRATION over the association of the registration; seen: %s", r.SeenMessages())
		}
		t.Check(d.PoolHandle == r.Registered.PoolHandle && d.PEID == r.Registered.PoolElement.ID, "pool handle and PE Identifier of the registration",
			"%q and %#x, registered were %q and %#x", d.PoolHandle, d.PEID, r.Registered.PoolHandle, r.Registered.PoolElement.ID)
	}},
	{ID: "5352/3.2/7", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		t.Do("deregister", nil)
		tester.ExpectASAP[*asap.Deregistration](r.Assoc, nil)
	}},
}
