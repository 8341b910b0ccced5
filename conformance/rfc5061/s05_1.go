// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.1, ASCONF Chunk Procedures.
var section5_1 = []conformance.Case{
	{ID: "5061/5.1/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		want := wire.Seq(a.Peer.InitialTSN)
		for i := range 2 {
			t.Act(a, "addip", "addr", t.Spare(i).String())
			c, x := told(a)
			t.Check(x.Seq == want, "Sequence Numbers from S's Initial TSN on", "%v", c.Packet)
			answer(a, x.Seq)
			want++
		}
	}},
	{ID: "5061/5.1/2", Run: func(t *conformance.T) {
		a := together(t, 0)
		t.Act(a, "addip", "addr", t.Spare(0).String())
		_, x := told(a)
		// What S is asked for meanwhile waits, and may go into one ASCONF.
		for i := 1; i <= 2; i++ {
			t.Act(a, "addip", "addr", t.Spare(i).String())
		}
		t.Sleep(100 * time.Millisecond)
		answer(a, x.Seq)
		c := a.Next(t.Wait(), numbered(x.Seq+1))
		if c == nil {
			t.Inconclusive("S does not ask for the other changes; seen: %s", a.Seen())
		}
		x, _ = wire.ParseAsconf(c.Chunk)
		answer(a, x.Seq)
		all := requests(x)
		if len(all) < 2 {
			t.Inconclusive("S makes its requests one by one: %v", c.Packet)
		}
		t.Check(all[0].ID != all[1].ID, "different Correlation IDs", "%v", c.Packet)
	}},
	{ID: "5061/5.1/3", Run: func(t *conformance.T) {
		a := together(t, 0)
		t.Act(a, "addip", "addr", t.Spare(0).String())
		c, _ := told(a)
		again, _ := told(a)
		t.Check(bytes.Equal(c.Raw, again.Raw), "the same ASCONF again", "%v, then %v", c.Packet, again.Packet)
	}},
	{ID: "5061/5.1/4", Run: func(t *conformance.T) {
		a := together(t, 0)
		t.Act(a, "addip", "addr", t.Spare(0).String())
		c, _ := told(a)
		a.Send(wire.AppendError(nil, wire.AppendUnrecognizedChunk(nil, c.Raw)))
		t.Sleep(50 * time.Millisecond)
		a.Drain()
		a.ExpectNoneFor(8*time.Second, tester.Is(wire.ChunkAsconf))
		t.Act(a, "addip", "addr", t.Spare(1).String())
		a.ExpectNone(tester.Is(wire.ChunkAsconf))
	}},
	{ID: "5061/5.1.1/1", Run: func(t *conformance.T) {
		a := together(t, 0)
		t.Act(a, "addip", "addr", t.Spare(0).String())
		_, x := told(a)
		t.Act(a, "addip", "addr", t.Spare(1).String())
		next := numbered(x.Seq + 1)
		a.ExpectNoneFor(500*time.Millisecond, next)
		answer(a, x.Seq)
		if a.Next(t.Wait(), next) == nil {
			t.Inconclusive("S does not ask for the second change; seen: %s", a.Seen())
		}
	}},
}

// numbered matches an ASCONF with a Sequence Number.
func numbered(seq wire.Seq) tester.Match {
	return tester.Is(wire.ChunkAsconf).Where("with the next Sequence Number", func(c *tester.Chunk) bool {
		x, err := wire.ParseAsconf(c.Chunk)
		return err == nil && x.Seq == seq
	})
}

// requests are those of an ASCONF.
func requests(x wire.Asconf) (all []wire.AsconfRequest) {
	for p, err := range wire.Params(x.Params) {
		if err != nil {
			break
		}
		if r, err := p.AsconfRequest(); err == nil {
			all = append(all, r)
		}
	}
	return all
}
