// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 16, Suggested SCTP Protocol Parameter Values.
var section16 = []conformance.Case{
	{ID: "9260/16/1", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{})
		first := a.ExpectInit()
		again := a.Expect(tester.Is(wire.ChunkInit))
		rto := time.Duration(t.Param("RTO.Initial", 1)) * time.Second
		d := again.Packet.Time.Sub(first.Packet.Time)
		t.Check(d >= rto*9/10 && d <= rto+rto/2, "the INIT again after RTO.Initial", "after %v", d)
	}},
	{ID: "9260/16/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		for range 10 {
			a.SendData(0, []byte("echo"))
			a.ExpectEcho([]byte("echo"))
			t.Sleep(20 * time.Millisecond)
		}
		a.Auto.Sack = false
		a.Drain()
		a.SendData(0, []byte("echo"))
		d, first := a.ExpectData()
		again := a.ExpectWithin(10*time.Second, tester.Is(wire.ChunkData).Where("again", func(c *tester.Chunk) bool { return a.DataIn(c).TSN == d.TSN }))
		rto := time.Duration(t.Param("RTO.Min", 1)) * time.Second
		t.Check(again.Packet.Time.Sub(first.Packet.Time) >= rto*95/100, "no retransmission before RTO.Min", "one after %v", again.Packet.Time.Sub(first.Packet.Time))
	}},
	{ID: "9260/16/3", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		if a.Next(t.Wait(), tester.Is(wire.ChunkInitAck)) == nil {
			t.Inconclusive("INIT ACK did not come")
		}
		t.Sleep(50 * time.Second)
		a.SendCookieEcho()
		a.ExpectCookieAck()
	}},
}
