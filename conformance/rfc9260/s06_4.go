// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.4, Multi-Homed SCTP Endpoints, and its subsection.
var section6_4 = []conformance.Case{
	{ID: "9260/6.4/1", Run: func(t *conformance.T) {
		a := multihomed(t)
		for i := range 10 {
			a.From = i % 2
			a.SendData(0, []byte("echo"))
			_, c := a.ExpectData()
			t.Check(c.Packet.Local == 0, "all new DATA at T's first address, the primary path", "DATA at address %d", c.Packet.Local+1)
		}
	}},
	{ID: "9260/6.4/2", Run: func(t *conformance.T) {
		a := multihomed(t)
		a.SetSSN(0, 1)
		a.From = 1
		for range 20 {
			quiet(a)
			t.Sleep(50 * time.Millisecond)
		}
		a.ExpectSack(a.NextTSN - 1)
		sacks := chunksOf(t, a, wire.ChunkSack)
		for _, c := range sacks {
			t.Check(c.Packet.Local == sacks[0].Packet.Local, "all SACKs at the same address", "one at address %d, the first one at %d", c.Packet.Local+1, sacks[0].Packet.Local+1)
		}
	}},
	{ID: "9260/6.4/3", Run: func(t *conformance.T) {
		a := multihomed(t)
		a.Auto.Sack = false
		a.SendData(0, []byte("echo"))
		d, c := a.ExpectData()
		again := a.ExpectWithin(10*time.Second, tester.Is(wire.ChunkData).Where("again", func(k *tester.Chunk) bool { return a.DataIn(k).TSN == d.TSN }))
		t.Check(again.Packet.Local != c.Packet.Local, "the retransmission at T's other address", "it came to address %d again", again.Packet.Local+1)
	}},
	{ID: "9260/6.4/4", Run: func(t *conformance.T) {
		a := multihomed(t)
		a.Auto.Sack = false
		t.Act(a, "send", "count", "60", "size", "700")
		d, c := a.ExpectData()
		t.Sleep(settle)
		for i := range uint16(3) {
			a.Drain()
			sack(a, d.TSN-1, 65535, wire.GapAckBlock{Start: 2, End: 2 + i})
			t.Sleep(100 * time.Millisecond)
		}
		again := a.Next(settle, tester.Is(wire.ChunkData).Where("again", func(k *tester.Chunk) bool { return a.DataIn(k).TSN == d.TSN }))
		if again == nil {
			t.Inconclusive("S does not retransmit after three miss indications; seen: %s", a.Seen())
		}
		t.Check(again.Packet.Local == c.Packet.Local, "the fast retransmission at the address the original went to", "address %d, then %d", c.Packet.Local+1, again.Packet.Local+1)
	}},
	{ID: "9260/6.4.1/1", Run: func(t *conformance.T) {
		a := multihomed(t)
		a.Deafen(0, 1)
		over := 0
		for begin := time.Now(); over < 3; {
			before := len(firsts(t, a))
			a.SendData(0, []byte("echo"))
			t.Sleep(2 * time.Second)
			a.Drain()
			for _, x := range firsts(t, a)[before:] {
				if over++; x.chunk.Packet.Local != 1 {
					over = 0
				}
			}
			t.Check(time.Since(begin) < 20*time.Minute, "new DATA at T's second address when the first one has been silent for long", "none in %v", time.Since(begin))
		}
	}},
}
