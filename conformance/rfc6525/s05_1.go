// SPDX-License-Identifier: Apache-2.0

package rfc6525

import (
	"slices"
	"strconv"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// dataOn matches DATA on a stream, or one with a higher number.
func dataOn(c *conn, from, to uint16) tester.Match {
	return tester.Is(wire.ChunkData).Where("on stream "+strconv.Itoa(int(from)), func(k *tester.Chunk) bool {
		s := c.DataIn(k).Stream
		return s >= from && s <= to
	})
}

// grown is an association where S has asked for two more outgoing streams: the number of the first of them, and that of the
// request.
func grown(t *conformance.T) (c *conn, first uint16, seq wire.Seq) {
	setup := reconfiguring
	setup.MIS = 8
	c = reconfigurable(t, t.Dial(setup))
	t.Act(c.Assoc, "add-streams", "out", "2")
	p := find(c.Expect(with(wire.ParamAddOutgoingStreams)), wire.ParamAddOutgoingStreams)
	r, err := p.AddStreams()
	t.Check(err == nil && r.Streams == 2, "a request for two streams", "%+v (%v)", r, err)
	return c, min(8, c.Peer.OutboundStreams), r.RequestSeq
}

// Section 5.1, Sender-Side Procedures, and its subsections.
var section5_1 = []conformance.Case{
	{ID: "6525/5.1.1/1", Run: func(t *conformance.T) {
		a := t.Dial(reconfiguring)
		if a.PeerSupports(wire.ChunkReconfig) {
			return
		}
		// It may not list what it does.
		c := &conn{Assoc: a, seq: wire.Seq(a.NextTSN), last: wire.Seq(a.Peer.InitialTSN) - 1}
		c.reconfig(c.outgoing(1))
		if k := c.Next(t.Wait(), tester.Is(wire.ChunkReconfig)); k != nil {
			t.Fail("RE-CONFIG in the Supported Extensions of an S that answers it", "%v", k.Packet)
		}
		t.NeedExtension(a, wire.ChunkReconfig)
	}},
	{ID: "6525/5.1.1/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		_ = t.Try("reset", t.Here(a).With("streams", "1").With("dir", "out")) // a refusal is as good
		a.ExpectNone(tester.Is(wire.ChunkReconfig))
	}},
	{ID: "6525/5.1.1/3", Run: func(t *conformance.T) {
		c := dial(t)
		resets(t, c, "1")
		_ = t.Try("reset", t.Here(c.Assoc).With("streams", "2").With("dir", "out")) // S may refuse it
		r, _ := c.expectReset(t)
		c.ExpectNoneFor(5*time.Second, tester.Is(wire.ChunkReconfig).Where("with another request", func(k *tester.Chunk) bool {
			var o wire.StreamReset
			p := find(k, wire.ParamOutgoingReset)
			return len(params(k)) != 1 || p == nil || p.StreamReset(&o) != nil || o.RequestSeq != r.RequestSeq
		}))
		// S may make the second request when the first one is answered.
		c.answer(r.RequestSeq, wire.ReconfigPerformed)
		c.ExpectAlive()
	}},
	{ID: "6525/5.1.1/4", Run: func(t *conformance.T) {
		c := dial(t)
		c.Auto.HeartbeatAck = false // what measures the round trip ends the back-off
		most := time.Duration(t.Param("RTO.Max", 60)) * time.Second
		resets(t, c, "1")
		first, k := c.expectReset(t)
		var last time.Duration
		for range min(4, t.Param("Association.Max.Retrans", 10)) {
			next := c.ExpectWithin(most, with(wire.ParamOutgoingReset))
			var r wire.StreamReset
			_ = find(next, wire.ParamOutgoingReset).StreamReset(&r)
			t.Check(r.RequestSeq == first.RequestSeq, "the same request again", "request %d instead of %d", r.RequestSeq, first.RequestSeq)
			d := next.Packet.Time.Sub(k.Packet.Time)
			// Timers may be late on a busy host.
			t.Check(d >= min(2*last, most)*7/10, "intervals that double up to RTO.Max", "%v after %v", d, last)
			k, last = next, d
		}
	}},
	{ID: "6525/5.1.2/1", Run: func(t *conformance.T) {
		c := dial(t)
		resets(t, c, "1")
		c.expectReset(t)
		sends(t, c, 1, 3)
		sends(t, c, 2, 3)
		c.ExpectNone(dataOn(c, 1, 1))
	}},
	{ID: "6525/5.1.2/2", Run: func(t *conformance.T) {
		c := dial(t)
		for range 3 {
			sends(t, c, 1, 1)
			c.ExpectMessage()
		}
		c.rest(t)
		resets(t, c, "1")
		r, _ := c.expectReset(t)
		t.Check(r.LastTSN == c.CumTSN(), "the last TSN that S has sent", "%d instead of %d", r.LastTSN, c.CumTSN())
	}},
	{ID: "6525/5.1.2/3", Run: func(t *conformance.T) {
		c := dial(t)
		resets(t, c, "1,3")
		r, _ := c.expectReset(t)
		slices.Sort(r.Streams)
		t.Check(slices.Equal(r.Streams, []uint16{1, 3}), "streams 1 and 3", "%v", r.Streams)
	}},
	{ID: "6525/5.1.2/4", Run: func(t *conformance.T) {
		c := dial(t)
		resets(t, c, "")
		r, _ := c.expectReset(t)
		t.Check(len(r.Streams) == 0, "no stream numbers", "%d of them", len(r.Streams))
	}},
	{ID: "6525/5.1.5/1", Run: func(t *conformance.T) {
		c, first, _ := grown(t)
		sends(t, c, int(first), 1)
		c.ExpectNoneFor(2*time.Second, dataOn(c, first, 65535))
	}},
	{ID: "6525/5.1.5/2", Run: func(t *conformance.T) {
		c, first, seq := grown(t)
		c.answer(seq, wire.ReconfigPerformed)
		c.rest(t)
		sends(t, c, int(first)+1, 1)
		k := c.Next(t.Wait(), dataOn(c, first, first+1))
		if k == nil {
			t.Inconclusive("S does not send on the new stream %d", first+1)
		}
		t.Check(c.DataIn(k).SSN == 0, "SSN 0", "%d", c.DataIn(k).SSN)
	}},
	{ID: "6525/5.1.7/1", Run: func(t *conformance.T) {
		c := establish(t)
		seq := c.seq
		c.reconfig(c.outgoing(1))
		k := c.Expect(with(wire.ParamReconfigResponse))
		r, err := find(k, wire.ParamReconfigResponse).ReconfigResponse()
		t.Check(err == nil && r.ResponseSeq == seq, "the number of the request", "%d instead of %d (%v)", r.ResponseSeq, seq, err)
	}},
	{ID: "6525/5.1.7/2", Run: func(t *conformance.T) {
		c := establish(t)
		r := c.ask(c.outgoing(1))
		t.Check(len(r.param.Raw) == 12, "a response of 12 bytes", "one of %d", len(r.param.Raw))
	}},
	{ID: "6525/5.1.7/3", Run: func(t *conformance.T) {
		c := establish(t)
		r := c.ask(wire.AppendSSNTSNReset(nil, c.next()))
		if r.Result != wire.ReconfigPerformed {
			t.Inconclusive("S does not reset: %v", r.Result)
		}
		t.Check(len(r.param.Raw) == 20 && r.HasTSNs, "a response of 20 bytes", "one of %d", len(r.param.Raw))
		c.Drain()
		c.NextTSN = r.ReceiverNextTSN
		c.SendData(0, []byte("echo"))
		if k := c.Next(t.Quiet(), tester.Is(wire.ChunkData)); k != nil {
			t.Check(c.DataIn(k).TSN == r.SenderNextTSN, "DATA that begins with Sender's Next TSN", "%d instead of %d", c.DataIn(k).TSN, r.SenderNextTSN)
		}
	}},
	{ID: "6525/5.1.7/4", Run: func(t *conformance.T) {
		c := establish(t)
		c.ExpectSack(c.SendData(1, []byte("before")))
		c.rest(t)
		c.seq += 5
		r := c.ask(c.outgoing(1))
		t.Check(r.Result == wire.ReconfigBadSequenceNumber, "result 5 (Error - Bad Sequence Number)", "%v", r.Result)
		if t.Has("echo") {
			for c.Next(settle, tester.Is(wire.ChunkData)) != nil {
			}
			c.NextMessage(0, nil)
			c.again(1)
		}
	}},
}
