// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 4.2, New Parameter Types.
var section4_2 = []conformance.Case{
	{ID: "5061/4.2/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Params: wire.AppendDeleteIP(nil, 1, t.Endpoint().Addr(0).Addr())})
		a.SendInit()
		if c := a.Expect(tester.Is(wire.ChunkInitAck, wire.ChunkAbort)); c.Type == wire.ChunkAbort {
			t.Note("S has aborted, which is permitted")
		}
	}},
	{ID: "5061/4.2.1/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.SendFrom(1, asconf(a, 0, wire.AppendAddIP(nil, 1, anywhere)))
		done(t, a, 0)
		t.Check(probed(t, 1, time.Time{}), "a HEARTBEAT to the new address", "none")
	}},
	{ID: "5061/4.2.1/2", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Addr(1)
		a.Send(asconf(a, 0, wire.AppendAddIP(nil, 0xdeadbeef, netip.MustParseAddr("224.0.0.1"))))
		ack, responses := acked(a, 0)
		if len(responses) == 0 {
			t.Inconclusive("S reports nothing, and seems to accept a multicast address: %v", ack.Packet)
		}
		for _, r := range responses {
			t.Check(r.ID == 0xdeadbeef, "Correlation ID 0xdeadbeef", "%#x", r.ID)
		}
	}},
	{ID: "5061/4.2.2/1", Run: func(t *conformance.T) {
		a := together(t, 0, 1, 2)
		a.Send(asconf(a, 0, wire.AppendDeleteIP(nil, 1, anywhere)))
		ack := done(t, a, 0)
		for i := 1; i <= 2; i++ {
			a.ExpectNone(a.Beat(tester.Out{From: tester.Ptr(i)}))
			for _, p := range to(t, i, ack.Packet.Time.Add(50*time.Millisecond)) {
				t.Check(p.Has(wire.ChunkAbort) != nil, "packets to the first address only", "%v", p)
			}
		}
		a.ExpectAlive()
	}},
	{ID: "5061/4.2.7/1", Run: func(t *conformance.T) {
		a := t.Assoc(addIP())
		a.SendInit()
		a.ExpectInitAck()
		if !a.PeerSupports(wire.ChunkAsconf) {
			t.Skip("asconf", "S does not offer ASCONF")
		}
		for _, c := range []wire.ChunkType{wire.ChunkAsconfAck, wire.ChunkAuth} {
			t.Check(a.PeerSupports(c), "ASCONF, ASCONF-ACK and AUTH among the Supported Extensions", "no %v", c)
		}
	}},
	{ID: "5061/4.2.7/2", Run: func(t *conformance.T) {
		a := t.Assoc(addIP())
		a.SendInit()
		all := slices.DeleteFunc(tester.InitParams(a.InitOf(a.ExpectInitAck())), func(p wire.Param) bool { return p.Type != wire.ParamSupportedExtensions })
		t.Check(len(all) <= 1, "at most one Supported Extensions parameter", "%d", len(all))
	}},
}
