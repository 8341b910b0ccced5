// SPDX-License-Identifier: Apache-2.0

package rfc6951

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.4, Decapsulation Procedure.
var section5_4 = []conformance.Case{
	{ID: "6951/5.4/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := rebound(t, a)
		ack := b.Expect(beat(b, 16, tester.Out{}))
		a.Drain()
		for range 3 {
			tsn := b.SendData(0, []byte("from the new port"))
			b.Expect(tester.Is(wire.ChunkSack).Where("of the TSN", func(c *tester.Chunk) bool { return tsn.LessEq(b.SackIn(c).CumTSNAck) }))
		}
		if t.Has("echo") {
			b.Expect(tester.Is(wire.ChunkData))
		}
		for _, p := range t.Packets() {
			if p.In && p.Time.After(ack.Packet.Time) {
				t.Check(p.Dst == b.Addr(0), "packets to the new UDP port", "%v", p)
			}
		}
	}},
	{ID: "6951/5.4/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := rebound(t, a)
		b.SendTag(a.PeerTag+1, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("wrong tag")))
		for range 3 {
			a.ExpectSack(a.SendData(0, []byte("from the old port")))
		}
		b.ExpectNone(tester.Not(tester.Is(wire.ChunkAbort))) // as to what is out of the blue
		a.ExpectAlive()
	}},
}

// rebound is an association after a NAT has given its first address another UDP port: what it knows, at another endpoint.
func rebound(t *conformance.T, a *tester.Assoc) *tester.Assoc {
	ep := t.NewEndpoint(tester.EndpointConfig{Addrs: a.Addrs()[:1], Ports: []uint16{0}})
	if ep.Addr(0) == a.Addr(0) {
		t.Inconclusive("T got UDP port %d again", ep.Addr(0).Port())
	}
	return a.At(ep)
}
