// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 2.2, ASAP Messages, and its subsections.
var section2_2 = []conformance.Case{
	{ID: "5352/2.2.1/1", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		u := r.Registered.PoolElement.UserTransport
		t.Check(len(u.Addrs) > 0, "a User Transport with an IP address", "%v", u)
		used := associationAddrs(t, r.Assoc)
		for _, a := range u.Addrs {
			t.Check(slices.Contains(used, a.Unmap()), "addresses of the association only", "%v, the association has %v", a, used)
		}
	}},
	{ID: "5352/2.2.3/1", Run: func(t *conformance.T) {
		pe := t.NewPE(conformance.PEConfig{})
		pe.SendASAP(&asap.Registration{PoolHandle: pe.Pool, PoolElement: pe.Element})
		r := tester.ExpectASAP[*asap.RegistrationResponse](pe.Assoc, nil)
		t.Check(r.PoolHandle == pe.Pool && r.PEID == pe.Element.ID, "pool handle and PE Identifier of the registration", "%q and %#x", r.PoolHandle, r.PEID)
		if r.Rejected {
			t.Inconclusive("the registration was refused: %v", r.Errors)
		}
		t.Check(len(r.Errors) == 0, "no Operation Error", "%v", r.Errors)
	}},
	{ID: "5352/2.2.5/1", Run: func(t *conformance.T) {
		a := t.RegisterPE(conformance.PEConfig{})
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{SendUpdates: true, PoolHandle: a.Pool})
		r := tester.ExpectASAP[*asap.HandleResolutionResponse](pu, nil)
		if !r.AcceptUpdates {
			t.Inconclusive("S does not send updates: A=0")
		}
		b := t.RegisterPE(conformance.PEConfig{})
		tester.ExpectASAP(pu, func(r *asap.HandleResolutionResponse) bool {
			got := conformance.Listed(r)
			return r.PoolHandle == a.Pool && len(got) == 2 && slices.Contains(got, a.Element.ID) && slices.Contains(got, b.Element.ID)
		})
	}},
	{ID: "5352/2.2.6/1", Run: func(t *conformance.T) {
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{PoolHandle: t.Pool()})
		m := nextOfASAP(t, pu, asap.TypeHandleResolutionResponse)
		got := conformance.ParamTypes(m.Data[4:])
		t.Check(slices.Contains(got, param.TypePoolHandle) && slices.Contains(got, param.TypeOperationError), "Pool Handle and Operation Error", "parameters %#x", got)
		t.Check(!slices.Contains(got, param.TypePolicy) && !slices.Contains(got, param.TypePoolElement), "neither policy nor Pool Element", "parameters %#x", got)
	}},
	{ID: "5352/2.2.6/2", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		r := t.Resolve(t.Dial(tester.Setup{}), pe.Pool)
		t.Check(!r.AcceptUpdates, "A=0", "A=1")
	}},
	{ID: "5352/2.2.7/1", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		for range 2 {
			r.SendASAP(&asap.EndpointKeepAlive{ServerID: r.ServerID, PoolHandle: r.Registered.PoolHandle})
			tester.ExpectASAP[*asap.EndpointKeepAliveAck](r.Assoc, nil)
		}
	}},
	{ID: "5352/2.2.10/1", Run: func(t *conformance.T) {
		dg, ok := joinASAP(t).next(announced)
		t.Check(ok, "ASAP_SERVER_ANNOUNCE", "none")
		m, _, err := asap.Parse(dg.Data)
		t.Check(err == nil, "ASAP_SERVER_ANNOUNCE with transports of SCTP and TCP only", "%v", err)
		t.Check(m.(*asap.ServerAnnounce).ServerID != 0, "a Server Identifier", "0")
		for _, tr := range m.(*asap.ServerAnnounce).Transports {
			t.Check(tr.Protocol == param.SCTP || tr.Protocol == param.TCP, "transports of SCTP and TCP only", "%v", tr)
		}
	}},
	{ID: "5352/2.2.14/1", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		pe.SendMessage(0, 0, asap.PPID, unknownMessage)
		expectUnrecognizedMessage(t, pe.Assoc)
	}},
	{ID: "5352/2.2.14/2", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		r.SendMessage(0, 0, asap.PPID, unknownMessage)
		expectUnrecognizedMessage(t, r.Assoc)
		r.SendASAP(&asap.EndpointKeepAlive{ServerID: r.ServerID, PoolHandle: r.Registered.PoolHandle})
		tester.ExpectASAP[*asap.EndpointKeepAliveAck](r.Assoc, nil)
	}},
}

// associationAddrs are the addresses of S in an association that it has opened: those of its INIT, and where its packets
// came from.
func associationAddrs(t *conformance.T, a *tester.Assoc) (used []netip.Addr) {
	for _, p := range tester.InitParams(a.Peer) {
		if p.Type == wire.ParamIPv4 || p.Type == wire.ParamIPv6 {
			if addr, ok := netip.AddrFromSlice(p.Value); ok {
				used = append(used, addr.Unmap())
			}
		}
	}
	for _, p := range t.Packets() {
		if p.In && p.Header.DstPort == a.Port {
			used = append(used, p.Src.Addr().Unmap())
		}
	}
	slices.SortFunc(used, netip.Addr.Compare)
	return slices.Compact(used)
}
