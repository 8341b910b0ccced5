// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// register registers a pool element for each of the policies.
func register(t *conformance.T, policies ...param.Policy) (pes []*conformance.PESide) {
	for _, p := range policies {
		pes = append(pes, t.RegisterPE(conformance.PEConfig{Policy: p}))
	}
	return pes
}

// registerN registers n pool elements of a policy.
func registerN(t *conformance.T, n int, p param.Policy) []*conformance.PESide {
	return register(t, slices.Repeat([]param.Policy{p}, n)...)
}

// all resolves the case's pool and asks for the whole list. Who does not know the Handle Resolution Option skips it.
func all(t *conformance.T, pu *tester.Assoc) []uint32 {
	pu.SendASAP(&asap.HandleResolution{PoolHandle: t.Pool(), Items: param.ItemsMax})
	r := tester.ExpectASAP(pu, func(r *asap.HandleResolutionResponse) bool { return r.PoolHandle == t.Pool() })
	if len(r.Errors) > 0 || len(r.PoolElements) == 0 {
		t.Inconclusive("no pool elements: %v", r.Errors)
	}
	return conformance.Listed(r)
}

// first resolves the case's pool and returns the first pool element.
func first(t *conformance.T, pu *tester.Assoc) uint32 {
	r := t.Resolve(pu, t.Pool())
	if len(r.Errors) > 0 || len(r.PoolElements) == 0 {
		t.Inconclusive("no pool elements: %v", r.Errors)
	}
	return r.PoolElements[0].ID
}

// checkOrder resolves and checks that the pool elements come in an order, given by their indexes.
func checkOrder(t *conformance.T, pes []*conformance.PESide, order ...int) {
	var want []uint32
	for _, i := range order {
		want = append(want, pes[i].Element.ID)
	}
	got := all(t, t.Dial(tester.Setup{}))
	t.Check(slices.Equal(got, want), "the pool elements in the order of the policy", "%#x, that order is %#x", got, want)
}

// checkRotates resolves six times and checks that the first of three pool elements moves on each time.
func checkRotates(t *conformance.T, pes []*conformance.PESide) {
	pu := t.Dial(tester.Setup{})
	var ids, firsts []uint32
	for _, pe := range pes {
		ids = append(ids, pe.Element.ID)
	}
	for range 6 {
		firsts = append(firsts, first(t, pu))
	}
	round := slices.Clone(firsts[:3])
	slices.Sort(round)
	slices.Sort(ids)
	t.Check(slices.Equal(round, ids) && slices.Equal(firsts[:3], firsts[3:]), "each of three pool elements is the first in turn", "%#x", firsts)
}

// checkOnce resolves n times and checks that no response lists a pool element twice.
func checkOnce(t *conformance.T, n int) {
	pu := t.Dial(tester.Setup{})
	several := false
	for range n {
		ids := all(t, pu)
		several = several || len(ids) > 1
		slices.Sort(ids)
		for i, id := range ids {
			t.Check(i == 0 || ids[i-1] != id, "each pool element once at most", "%#x twice in %#x", id, ids)
		}
	}
	if !several {
		t.Inconclusive("S lists no more than one pool element")
	}
}

// A service is the tester as registrar and pool elements, for a pool user.
type service struct {
	t     *conformance.T
	r     *conformance.RegistrarSide
	where string
	used  []int // which pool elements have got a request, in that order
}

// newService makes a pool element for each of the policies; the registrar lists them in that order, always.
func newService(t *conformance.T, policies ...param.Policy) *service {
	s := &service{t: t}
	ep := t.Endpoint()
	s.r, s.where = t.ListenRegistrar(ep, tester.Setup{})
	s.r.Auto.Accept = true
	m := &asap.HandleResolutionResponse{PoolHandle: t.Pool(), Policy: param.Policy{Type: policies[0].Type}}
	for i, p := range policies {
		// An association for each request, whether it ends before the next one or not.
		port := uint16(5001 + i)
		listen := func() {
			a := ep.Listen(tester.Setup{Port: port})
			a.Auto.Accept = true
			a.OnMessage = func(m tester.Message) {
				if m.PPID == asap.PPID {
					return
				}
				s.used = append(s.used, i)
				a.SendMessage(m.Stream, 0, m.PPID, m.Data)
			}
		}
		for range requests {
			listen()
		}
		at := ep.Addr(0)
		m.PoolElements = append(m.PoolElements, param.PoolElement{
			ID: uint32(port), HomeID: s.r.ServerID, Life: 300, EncapPort: at.Port(), Policy: p,
			UserTransport: param.Transport{Protocol: param.SCTP, Port: port, Addrs: []netip.Addr{at.Addr()}},
		})
	}
	s.r.OnMessage = func(in tester.Message) {
		if in.PPID != asap.PPID {
			return
		}
		if x, _, err := asap.Parse(in.Data); err == nil {
			if q, ok := x.(*asap.HandleResolution); ok && q.PoolHandle == t.Pool() {
				s.r.SendASAP(m)
			}
		}
	}
	return s
}

// requests is how many requests a case makes at most.
const requests = 6

// request has the pool user send a request in a session of its own, and returns which pool element got it.
func (s *service) request() int {
	n := len(s.used)
	s.t.Do("send", conformance.Args{"registrar": s.where, "pool": string(s.t.Pool()), "size": "100", "new": "1"})
	if !s.t.Until(s.t.Wait(), func() bool { return len(s.used) > n }) {
		s.t.Inconclusive("no request came to a pool element; %d came before", n)
	}
	s.t.Sleep(s.t.Quiet() / 10) // for the answer
	return s.used[n]
}
