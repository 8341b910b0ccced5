// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"fmt"
	"net/netip"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// A service is the tester as a registrar and all pool elements of a pool, for a pool user.
type service struct {
	t *conformance.T
	r *conformance.RegistrarSide
	// elements have falling priorities, so that the pool user must take the first one that is listed.
	elements []*element
}

// An element is one of a service. It is listed unless Gone.
type element struct {
	*tester.Assoc
	param.PoolElement
	Gone bool
}

// startService has the pool user send a request to a pool of n elements. It has asked for the pool, and has been answered.
func startService(t *conformance.T, n int, use param.TransportUse) *service {
	s := &service{t: t}
	ep := t.Endpoint()
	r, where := t.ListenRegistrar(ep, tester.Setup{})
	s.r = r
	for i := range n {
		a := ep.Listen(tester.Setup{Port: uint16(5001 + i)})
		at := a.Addr(0)
		s.elements = append(s.elements, &element{Assoc: a, PoolElement: param.PoolElement{
			ID: 0x5001 + uint32(i), HomeID: r.ServerID, Life: 300, EncapPort: at.Port(),
			UserTransport: param.Transport{Protocol: param.SCTP, Port: a.Port, Use: use, Addrs: []netip.Addr{at.Addr()}},
			Policy:        param.Policy{Type: param.Priority, Priority: uint32(100 - i)},
		}})
	}
	r.OnMessage = func(m tester.Message) {
		if m.PPID != asap.PPID {
			return
		}
		x, _, err := asap.Parse(m.Data)
		if err != nil {
			return
		}
		if q, ok := x.(*asap.HandleResolution); ok {
			r.SendASAP(s.response(q.PoolHandle))
		}
	}
	t.Do("send", conformance.Args{"registrar": where, "pool": string(t.Pool()), "size": "100"})
	r.Accept()
	if _, _, ok := tester.NextASAP[*asap.HandleResolution](r.Assoc, t.Wait(), nil); !ok {
		t.Inconclusive("the pool user did not ask for the pool; seen: %s", r.SeenMessages())
	}
	return s
}

// response lists the elements that are not gone.
func (s *service) response(pool param.PoolHandle) *asap.HandleResolutionResponse {
	m := &asap.HandleResolutionResponse{PoolHandle: pool, Policy: param.Policy{Type: param.Priority}}
	for _, e := range s.elements {
		if !e.Gone {
			m.PoolElements = append(m.PoolElements, e.PoolElement)
		}
	}
	return m
}

// request accepts the pool user's association with an element, and returns the first message that is not of ASAP's
// control channel.
func (s *service) request(e *element) tester.Message {
	e.Accept()
	m, ok := e.NextMessage(s.t.Wait(), func(m tester.Message) bool { return len(m.Data) == 100 })
	if !ok {
		s.t.Inconclusive("no request came to the pool element; seen: %s", e.SeenMessages())
	}
	return m
}

// fail ends the element's association, and takes it off the list.
func (s *service) fail(e *element) {
	e.Gone = true
	e.Abort()
}

// refuse answers the pool user's INIT to the element with ABORT, and takes it off the list.
func (s *service) refuse(e *element) {
	c := e.Next(s.t.Wait(), tester.Is(wire.ChunkInit))
	if c == nil {
		s.t.Inconclusive("no INIT came to the pool element's SCTP port %d", e.Port)
	}
	e.Gone = true
	e.SendTag(e.InitOf(c).InitiateTag, wire.AppendChunk(nil, wire.ChunkAbort, 0, nil))
}

// unreachable matches the report about an element.
func (s *service) unreachable(e *element) func(*asap.EndpointUnreachable) bool {
	return func(m *asap.EndpointUnreachable) bool { return m.PoolHandle == s.t.Pool() && m.PEID == e.ID }
}

func (e *element) String() string { return fmt.Sprintf("pool element %#x", e.ID) }
