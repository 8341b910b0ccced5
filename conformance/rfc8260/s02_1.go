// SPDX-License-Identifier: Apache-2.0

package rfc8260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 2.1, The I-DATA Chunk Supporting User Message Interleaving.
var section2_1 = []conformance.Case{
	{ID: "8260/2.1/1", Run: func(t *conformance.T) {
		a := establish(t)
		c := a.Data(0, []byte("reserved"))
		c[1] |= 0xf0
		c[10], c[11] = 0xff, 0xff
		a.Send(c)
		a.ExpectSack(a.NextTSN - 1)
		a.ExpectAlive()
	}},
	{ID: "8260/2.1/2", Run: func(t *conformance.T) {
		a := dial(t)
		a.SendData(0, []byte("echo"))
		c := a.Expect(tester.Is(wire.ChunkIData))
		t.Check(c.Flags&0xf0 == 0 && c.Raw[10] == 0 && c.Raw[11] == 0, "reserved bits that are 0", "% x", c.Raw[:12])
	}},
	{ID: "8260/2.1/3", Run: func(t *conformance.T) {
		a := dial(t)
		var next [2]wire.MID
		for range 2 {
			for u, flag := range []uint8{0, wire.DataUnordered} {
				before := len(idata(t, a))
				a.SendMessage(1, flag, 0, []byte("echo"))
				a.ExpectEcho([]byte("echo"))
				for _, d := range idata(t, a)[before:] {
					if d.Flags&wire.DataUnordered != flag {
						t.Inconclusive("S does not echo unordered messages as such")
					}
					t.Check(d.MID == next[u], "MIDs from 0 for ordered and for unordered messages", "MID %d instead of %d with flags %#x", d.MID, next[u], d.Flags)
				}
				next[u]++
			}
		}
	}},
	{ID: "8260/2.1/4", Run: func(t *conformance.T) {
		a := quiet(t)
		begin := time.Now()
		n := a.SendMessage(0, wire.DataImmediate, 0, []byte("quiet"))
		took := a.Expect(tester.SackOf(n, nil)).Packet.Time.Sub(begin)
		t.Check(took < 150*time.Millisecond, "a SACK that is not delayed", "it took %v", took)
	}},
}
