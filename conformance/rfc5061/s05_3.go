// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.3, General Rules for Address Manipulation.
var section5_3 = []conformance.Case{
	{ID: "5061/5.3/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		answer(a, wire.Seq(a.Peer.InitialTSN))
		if c := a.Next(t.Wait(), tester.Is(wire.ChunkAbort)); c != nil && tester.CauseOf(c, wire.CauseIllegalAsconfAck) == nil {
			t.Note("not with cause 0x00A3: %v", c.Packet)
		}
		a.ExpectGone()
	}},
	{ID: "5061/5.3/2", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Addr(1)
		a.OnPacket = func(p *tester.Packet) bool { return p.Local == 1 }
		a.Send(asconf(a, 0, wire.AppendAddIP(nil, 1, a.Addr(1).Addr())))
		done(t, a, 0)
		a.Auto.Sack = false
		a.SendData(0, []byte("echo"))
		if a.Next(t.Wait(), tester.Is(wire.ChunkData)) == nil {
			t.Inconclusive("S sends no DATA once T has added an address: %s", a.Seen())
		}
		t.Sleep(10 * time.Second)
		for _, p := range to(t, 1, time.Time{}) {
			for _, c := range p.Chunks {
				switch c.Type {
				case wire.ChunkAuth, wire.ChunkAsconfAck, wire.ChunkHeartbeat, wire.ChunkPad:
				default:
					t.Fail("only HEARTBEAT chunks and the ASCONF-ACK at an address that is not confirmed", "%v", p)
				}
			}
		}
	}},
	{ID: "5061/5.3/3", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Send(asconf(a, 0, wire.AppendAddIP(nil, 1, a.Addr(1).Addr())))
		done(t, a, 0)
		t.Check(probed(t, 1, time.Time{}), "a HEARTBEAT to the new address", "none")
		for _, p := range to(t, 1, time.Time{}) {
			if c := p.Has(wire.ChunkHeartbeat); c != nil {
				info, err := wire.ParseHeartbeat(c.Chunk)
				t.Check(err == nil && len(info) >= 8, "a HEARTBEAT with a nonce", "%v", p)
			}
		}
	}},
	{ID: "5061/5.3/4", Run: func(t *conformance.T) {
		a := together(t, 0)
		request := wire.AppendDeleteIP(nil, 1, a.Addr(0).Addr())
		a.Send(asconf(a, 0, request))
		x := refused(t, a, 0, wire.CauseDeleteLastAddress)
		t.Check(bytes.Equal(x.Value, request), "the request in the cause", "%x", x.Value)
		a.ExpectAlive()
	}},
	{ID: "5061/5.3/5", Run: func(t *conformance.T) {
		a := together(t, 0, 1)
		a.Send(asconf(a, 0, wire.AppendDeleteIP(nil, 1, a.Addr(0).Addr())))
		refused(t, a, 0, wire.CauseDeleteSourceAddress)
		a.ExpectAlive()
	}},
	{ID: "5061/5.3/6", Run: func(t *conformance.T) {
		a := together(t, 0, 1)
		a.Send(asconf(a, 0, wire.AppendDeleteIP(nil, 1, a.Addr(1).Addr())))
		done(t, a, 0)
		a.SendFrom(1, a.Data(0, []byte("from an address that is gone")))
		a.ExpectNone(tester.Is(wire.ChunkSack))
	}},
	{ID: "5061/5.3/7", Run: func(t *conformance.T) {
		s := addIP()
		s.ListAddrs, s.From = []int{0, 1}, 1
		a := t.Establish(s)
		t.NeedAddIP(a)
		confirmed(t, a, 0)
		t.Sleep(100 * time.Millisecond)
		a.From = 0
		a.Send(asconf(a, 0, wire.AppendDeleteIP(nil, 1, a.Addr(1).Addr())))
		ack := done(t, a, 0)
		const underway = 50 * time.Millisecond // what S had sent before
		t.Sleep(2 * underway)
		for range 5 {
			a.SendData(0, []byte("echo"))
			a.Expect(tester.Is(wire.ChunkData))
		}
		t.Sleep(t.Quiet())
		for _, p := range to(t, 1, ack.Packet.Time.Add(underway)) {
			t.Fail("nothing to the address that was deleted", "%v", p)
		}
	}},
	{ID: "5061/5.3/8", Run: func(t *conformance.T) {
		a := together(t, 0)
		spare := t.Spare(0)
		t.Act(a, "addip", "addr", spare.String())
		_, x := told(a)
		for range 5 {
			t.Act(a, "send", "count", "1", "size", "100")
		}
		t.Sleep(500 * time.Millisecond)
		for _, p := range t.Packets() {
			t.Check(!p.In || p.Src.Addr() != spare || p.Has(wire.ChunkAsconf) != nil, "nothing but ASCONF chunks from the new address", "%v", p)
		}
		answer(a, x.Seq)
	}},
	{ID: "5061/5.3/9", Run: func(t *conformance.T) {
		a := together(t, 0)
		spare := t.Spare(0)
		t.Act(a, "addip", "addr", spare.String())
		_, x := told(a)
		answer(a, x.Seq)
		t.Sleep(time.Second)
		a.Drain()
		t.Act(a, "delip", "addr", spare.String())
		c, x := told(a)
		t.Check(c.Packet.Src.Addr() != spare, "the ASCONF from an address that stays", "%v", c.Packet)
		answer(a, x.Seq)
	}},
	{ID: "5061/5.3.2/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		// The address it comes from is one that it adds: of others the rule says nothing.
		a.SendFrom(1, asconf(a, 0, wire.AppendAddIP(nil, 1, a.Addr(1).Addr())))
		ack, _ := acked(a, 0)
		t.Check(ack.Packet.Local == 1, "the ASCONF-ACK at the address that the ASCONF came from", "%v", ack.Packet)
	}},
}
