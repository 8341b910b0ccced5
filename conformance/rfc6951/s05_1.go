// SPDX-License-Identifier: Apache-2.0

package rfc6951

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.1, Architectural Considerations.
var section5_1 = []conformance.Case{
	{ID: "6951/5.1/1", Run: func(t *conformance.T) {
		first, second := t.Endpoint().Addr(0), t.Endpoint().Addr(1)
		ep := t.NewEndpoint(tester.EndpointConfig{Ports: []uint16{0, first.Port()/2 + 16411}})
		if ep.Addr(0).Port() == ep.Addr(1).Port() {
			t.Inconclusive("T got UDP port %d at both addresses", ep.Addr(0).Port())
		}
		// What S sends to the second address before it has heard from there may go to the port of the first.
		t.NewEndpoint(tester.EndpointConfig{Addrs: t.Endpoint().Addrs()[1:2], Ports: []uint16{ep.Addr(0).Port()}})
		a := ep.Dial(tester.Setup{ListAddrs: []int{0, 1}}, t.Target.Port)
		a.Expect(a.Beat(tester.Out{From: tester.Ptr(1)}).To(1))
		heard := time.Now()
		if a.Next(time.Minute, tester.Is(wire.ChunkHeartbeat).To(1)) == nil {
			t.Inconclusive("S does not confirm the second address; seen: %s", a.Seen())
		}
		for i := range 6 {
			a.Expect(a.Beat(tester.Out{From: tester.Ptr(i % 2)}).To(i % 2))
		}
		for _, p := range t.Packets() {
			if p.In && p.Time.After(heard) && p.Dst.Addr() == second.Addr() {
				t.Check(p.Dst == ep.Addr(1), "packets to the second address at its UDP port", "%v", p)
			}
			if p.In && p.Dst.Addr() == first.Addr() {
				t.Check(p.Dst == ep.Addr(0), "packets to the first address at its UDP port", "%v", p)
			}
		}
	}},
}
