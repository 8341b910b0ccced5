// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"slices"
	"time"

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
	{ID: "5352/3.3/2", Run: func(t *conformance.T) {
		var ids []uint32
		for range 5 {
			ids = append(ids, t.RegisterPE(conformance.PEConfig{}).Element.ID)
		}
		// Who knows the Handle Resolution Option may list fewer unless asked; who does not must skip it.
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{PoolHandle: t.Pool(), Items: param.ItemsMax})
		r := tester.ExpectASAP[*asap.HandleResolutionResponse](pu, nil)
		got := conformance.Listed(r)
		slices.Sort(got)
		slices.Sort(ids)
		t.Check(slices.Equal(got, ids), "the five pool elements, each once", "listed: %#x, registered: %#x, errors: %v", got, ids, r.Errors)
	}},
	{ID: "5352/3.3/3", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{Policy: param.Policy{Type: param.LeastUsed, Load: param.Fraction(0.5)}})
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{PoolHandle: pe.Pool})
		m := nextOfASAP(t, pu, asap.TypeHandleResolutionResponse)
		got := conformance.ParamTypes(m.Data[4:])
		policy, element := slices.Index(got, param.TypePolicy), slices.Index(got, param.TypePoolElement)
		t.Check(policy >= 0 && element >= 0 && policy < element, "a Pool Member Selection Policy parameter before the Pool Elements", "parameters %#x", got)
		r, _, err := asap.Parse(m.Data)
		t.Check(err == nil, "a response as in Section 2.2.6", "%v", err)
		typ := r.(*asap.HandleResolutionResponse).Policy.Type
		t.Check(typ == param.LeastUsed, "policy 0x40000001", "policy %#08x", uint32(typ))
	}},
	{ID: "5352/3.3/4", Run: func(t *conformance.T) {
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{PoolHandle: "nobody-has-registered-this"})
		r := tester.ExpectASAP[*asap.HandleResolutionResponse](pu, nil)
		t.Check(r.Errors.Has(param.CauseUnknownPoolHandle), "cause 0x9 (Unknown Pool Handle)", "%v", r.Errors)
	}},
	{ID: "5352/3.3/5", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		r := resolveTCP(t, pe.Pool)
		got := conformance.Listed(r)
		t.Check(len(got) == 1 && got[0] == pe.Element.ID, "the pool element registered", "%#x, errors %v", got, r.Errors)
	}},
	{ID: "5352/3.3/6", Run: func(t *conformance.T) {
		r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
		t.Do("resolve", conformance.Args{"registrar": where, "pool": string(t.Pool())})
		r.Accept()
		tester.ExpectASAP(r.Assoc, func(m *asap.HandleResolution) bool { return m.PoolHandle == t.Pool() })
	}},
}

// resolveTCP resolves a handle over TCP, at the port that Section 8.2 assigns.
func resolveTCP(t *conformance.T, pool param.PoolHandle) *asap.HandleResolutionResponse {
	c, err := t.DialTCP(asap.Port)
	t.Check(err == nil, "a TCP connection to port 3863", "%v", err)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(t.Wait()))
	b, err := (&asap.HandleResolution{PoolHandle: pool}).AppendBinary(nil)
	if err != nil {
		t.Inconclusive("%v", err)
	}
	if _, err := c.Write(b); err != nil {
		t.Fail("a TCP connection that takes a request", "%v", err)
	}
	var in asap.Splitter
	for {
		n, err := c.Read(in.Space())
		t.Check(err == nil, "ASAP_HANDLE_RESOLUTION_RESPONSE over TCP", "%v", err)
		in.Fill(n)
		b, err := in.Next()
		t.Check(err == nil, "ASAP_HANDLE_RESOLUTION_RESPONSE over TCP", "%v", err)
		if b == nil {
			continue
		}
		m, _, err := asap.Parse(b)
		t.Check(err == nil, "ASAP_HANDLE_RESOLUTION_RESPONSE over TCP", "%v", err)
		if r, ok := m.(*asap.HandleResolutionResponse); ok {
			return r
		}
	}
}
