// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 5, The ENRP server may reject the registration due to other reasons.
var section5 = []conformance.Case{
	{ID: "5352/5/1", Run: func(t *conformance.T) {
		r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
		t.Do("register", conformance.Args{"registrar": where, "pool": string(t.Pool())})
		r.Accept()
		m := nextOfASAP(t, r.Assoc, asap.TypeRegistration)
		t.Check(m.PPID == asap.PPID, "PPID 11", "PPID %d", m.PPID)
		x, _, err := asap.Parse(m.Data)
		reg, ok := x.(*asap.Registration)
		if !ok {
			t.Inconclusive("the registration cannot be read: %v", err)
		}
		r.Grant(reg)
		r.SendASAP(&asap.EndpointKeepAlive{ServerID: r.ServerID, PoolHandle: t.Pool()})
		m = nextOfASAP(t, r.Assoc, asap.TypeEndpointKeepAliveAck)
		t.Check(m.PPID == asap.PPID, "PPID 11", "PPID %d", m.PPID)
	}},
	{ID: "5352/5/2", Run: func(t *conformance.T) {
		s := startService(t, 1, param.DataOnly)
		m := s.request(s.elements[0])
		t.Check(m.PPID != asap.PPID, "another PPID than 11", "PPID %d", m.PPID)
	}},
	{ID: "5352/5/3", Run: func(t *conformance.T) {
		pe := t.NewPE(conformance.PEConfig{})
		pe.SendASAP(&asap.Registration{PoolHandle: pe.Pool, PoolElement: pe.Element})
		m := nextOfASAP(t, pe.Assoc, asap.TypeRegistrationResponse)
		t.Check(m.PPID == asap.PPID, "PPID 11", "PPID %d", m.PPID)
	}},
}
