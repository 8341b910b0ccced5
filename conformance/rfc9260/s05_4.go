// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.4, Path Verification.
var section5_4 = []conformance.Case{
	{ID: "9260/5.4/1", Run: func(t *conformance.T) {
		unconfirmed(t, func(*tester.Assoc, *tester.Packet) {})
	}},
	{ID: "9260/5.4/2", Run: func(t *conformance.T) {
		unconfirmed(t, func(a *tester.Assoc, p *tester.Packet) {
			for _, c := range p.Chunks {
				info, err := wire.ParseHeartbeat(c.Chunk)
				if c.Type != wire.ChunkHeartbeat || err != nil {
					continue
				}
				wrong := make([]byte, len(info))
				for i := range wrong {
					wrong[i] = byte(t.Rand().Uint32())
				}
				a.SendWith(tester.Out{From: &p.Local, To: p.Src}, wire.AppendHeartbeat(nil, wire.ChunkHeartbeatAck, wrong))
			}
		})
	}},
}

// unconfirmed lists a second address whose HEARTBEATs get what answer sends, holds back SACKs, and checks that S sends
// nothing there but what verifies the path.
func unconfirmed(t *conformance.T, answer func(*tester.Assoc, *tester.Packet)) {
	a := t.Assoc(tester.Setup{ListAddrs: []int{0, 1}})
	probed := false
	a.OnPacket = func(p *tester.Packet) bool {
		if p.Local == 1 {
			probed = probed || p.Has(wire.ChunkHeartbeat) != nil
			answer(a, p)
		}
		return p.Local == 1
	}
	a.Connect()
	a.Auto.Sack = false
	for range 3 {
		a.SendData(0, []byte("echo me"))
	}
	if a.Next(t.Wait(), tester.Is(wire.ChunkData)) == nil {
		t.Inconclusive("the system under test has echoed nothing")
	}
	t.Sleep(8 * time.Second)
	if !probed {
		t.Inconclusive("the system under test has not probed the second address")
	}
	for _, c := range since(t, 0) {
		// COOKIE ACK may come with a HEARTBEAT; padding fills a HEARTBEAT up.
		verifies := tester.Is(wire.ChunkHeartbeat, wire.ChunkHeartbeatAck, wire.ChunkPad).OK(c) || c.Type == wire.ChunkCookieAck && c.Packet.Has(wire.ChunkHeartbeat) != nil
		t.Check(c.Packet.Local == 0 || verifies, "HEARTBEATs and HEARTBEAT ACKs only to an unconfirmed address", "%v", c.Packet)
	}
	a.SendSack()
}
