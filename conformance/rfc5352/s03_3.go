// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3.3, Handle Resolution.
var section3_3 = []conformance.Case{
	{ID: "5352/3.3/1", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{Pool: "conformance-3.3-1"})
		pu := t.Dial(tester.Setup{})
		r := t.Resolve(pu, pe.Pool)
		t.Check(len(r.Errors) == 0, "a positive response", "%v", r.Errors)
	}},
	{ID: "5352/3.3/4", Run: func(t *conformance.T) {
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{PoolHandle: "nobody-has-registered-this"})
		r := tester.ExpectASAP[*asap.HandleResolutionResponse](pu, nil)
		t.Check(r.Errors.Has(param.CauseUnknownPoolHandle), "cause 0x9 (Unknown Pool Handle)", "%v", r.Errors)
	}},
	{ID: "5352/3.3/6", Run: func(t *conformance.T) {
		r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
		t.Do("resolve", conformance.Args{"registrar": where, "pool": string(t.Pool())})
		r.Accept()
		tester.ExpectASAP(r.Assoc, func(m *asap.HandleResolution) bool { return m.PoolHandle == t.Pool() })
	}},
}
