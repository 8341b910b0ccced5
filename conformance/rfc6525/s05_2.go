// SPDX-License-Identifier: Apache-2.0

package rfc6525

import (
	"bytes"
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.2, Receiver-Side Procedures, and its subsections.
var section5_2 = []conformance.Case{
	{ID: "6525/5.2.1/1", Run: func(t *conformance.T) {
		c := establish(t)
		c.ExpectSack(c.SendData(1, []byte("before")))
		c.rest(t)
		c.Messages()
		request := c.outgoing(1)
		first := c.ask(request)
		t.Check(first.Result == wire.ReconfigPerformed, "result 1 (Success - Performed)", "%v", first.Result)
		c.SetSSN(1, 0)
		c.ExpectSack(c.SendData(1, []byte("between")))
		c.rest(t)
		second := c.ask(request)
		t.Check(bytes.Equal(second.chunk.Raw, first.chunk.Raw), "the same RE-CONFIG chunk", "%x, and then %x", first.chunk.Raw, second.chunk.Raw)
		if t.Has("echo") {
			for range 2 {
				c.ExpectMessage()
			}
			c.again(1)
		}
	}},
	{ID: "6525/5.2.1/2", Run: func(t *conformance.T) {
		c := establish(t)
		c.ExpectSack(c.SendData(0, []byte("before")))
		c.rest(t)
		c.reconfig(c.outgoing(1))
		c.ExpectAll(with(wire.ParamReconfigResponse), tester.Is(wire.ChunkSack))
	}},
	{ID: "6525/5.2.1/3", Run: func(t *conformance.T) {
		c := establish(t)
		c.ask(c.outgoing(65000))
	}},
	{ID: "6525/5.2.2/1", Run: func(t *conformance.T) {
		c := dial(t)
		c.again(1, 1, 1, 1, 1)
		c.perform(t, 1)
		c.again(1)
	}},
	{ID: "6525/5.2.2/2", Run: func(t *conformance.T) {
		c := dial(t)
		c.again(1, 1, 2, 2)
		c.perform(t, 1)
		c.again(2)
	}},
	{ID: "6525/5.2.2/3", Run: func(t *conformance.T) {
		c := dial(t)
		c.again(0, 0, 1, 1, 2, 2)
		c.perform(t)
		c.again(0, 1, 2)
	}},
	{ID: "6525/5.2.2/4", Run: func(t *conformance.T) {
		c := establish(t)
		withheld := c.Data(1, []byte("withheld"))
		request := c.outgoing(1)
		r := c.ask(request)
		t.Check(r.Result == wire.ReconfigInProgress, "result 6 (In progress)", "%v", r.Result)
		c.Send(withheld)
		c.ExpectSack(c.NextTSN - 1)
		c.rest(t)
		r = c.ask(request)
		t.Check(r.Result == wire.ReconfigPerformed, "result 1 (Success - Performed)", "%v", r.Result)
	}},
	{ID: "6525/5.2.3/1", Run: func(t *conformance.T) {
		c := dial(t)
		c.again(1, 2)
		c.rest(t)
		in := wire.StreamReset{Incoming: true, RequestSeq: c.next(), Streams: []uint16{1}}
		c.reconfig(in.Append(nil))
		r, _ := c.expectReset(t)
		t.Check(slices.Equal(r.Streams, []uint16{1}) && r.ResponseSeq == in.RequestSeq, "stream 1, and the number of T's request",
			"streams %v, request %d instead of %d", r.Streams, r.ResponseSeq, in.RequestSeq)
	}},
	{ID: "6525/5.2.4/1", Run: func(t *conformance.T) {
		c := establish(t)
		c.ExpectSack(c.SendData(0, []byte("echo")))
		c.rest(t)
		r := c.ask(wire.AppendSSNTSNReset(nil, c.next()))
		if r.Result != wire.ReconfigPerformed {
			t.Inconclusive("S does not reset: %v", r.Result)
		}
		t.Check(r.ReceiverNextTSN == c.NextTSN+1<<31, "Receiver's Next TSN 2^31 after the next one", "%d instead of %d", r.ReceiverNextTSN, c.NextTSN+1<<31)
		t.Check(r.SenderNextTSN == c.CumTSN()+1, "Sender's Next TSN after the last one", "%d instead of %d", r.SenderNextTSN, c.CumTSN()+1)
	}},
	{ID: "6525/5.2.4/2", Run: func(t *conformance.T) {
		c := dial(t)
		c.again(0, 0, 1)
		c.rest(t)
		r := c.ask(wire.AppendSSNTSNReset(nil, c.next()))
		if r.Result != wire.ReconfigPerformed {
			t.Inconclusive("S does not reset: %v", r.Result)
		}
		c.rest(t)
		c.NextTSN = r.ReceiverNextTSN
		c.SetSSN(0, 0)
		c.SendData(0, []byte("anew"))
		c.ExpectSack(r.ReceiverNextTSN)
		m := c.ExpectEcho([]byte("anew"))
		t.Check(m.First == r.SenderNextTSN && m.SSN == 0, "the echo with Sender's Next TSN and SSN 0", "TSN %d instead of %d, SSN %d", m.First, r.SenderNextTSN, m.SSN)
	}},
	{ID: "6525/5.2.5/1", Run: func(t *conformance.T) {
		c := establish(t)
		add := wire.AddStreams{RequestSeq: c.next(), Streams: 4}
		r := c.ask(add.Append(nil))
		t.Check(r.Result == wire.ReconfigPerformed || r.Result == wire.ReconfigDenied, "result 1 or 2: performed or denied", "%v", r.Result)
	}},
	{ID: "6525/5.2.5/2", Run: func(t *conformance.T) {
		c := dial(t)
		before := min(16, c.Peer.InboundStreams)
		add := wire.AddStreams{RequestSeq: c.next(), Streams: 4}
		r := c.ask(add.Append(nil))
		if r.Result != wire.ReconfigPerformed {
			t.Inconclusive("S does not add streams: %v", r.Result)
		}
		c.again(before + 3)
	}},
	{ID: "6525/5.2.5/3", Run: func(t *conformance.T) {
		c := establish(t)
		add := wire.AddStreams{RequestSeq: c.next(), Streams: 65535}
		r := c.ask(add.Append(nil))
		t.Check(r.Result >= wire.ReconfigDenied && r.Result <= wire.ReconfigBadSequenceNumber, "a refusal", "%v", r.Result)
	}},
	{ID: "6525/5.2.6/1", Run: func(t *conformance.T) {
		c := establish(t)
		add := wire.AddStreams{Incoming: true, RequestSeq: c.next(), Streams: 2}
		c.reconfig(add.Append(nil))
		c.Expect(tester.Is(wire.ChunkReconfig).Where("with result 2 (Denied), or with a request for two outgoing streams", func(k *tester.Chunk) bool {
			for _, p := range params(k) {
				if out, err := p.AddStreams(); err == nil && !out.Incoming && out.Streams == 2 {
					return true
				}
				if r, err := p.ReconfigResponse(); err == nil && r.ResponseSeq == add.RequestSeq && r.Result == wire.ReconfigDenied {
					return true
				}
			}
			return false
		}))
	}},
	{ID: "6525/5.2.7/1", Run: func(t *conformance.T) {
		c := dial(t)
		most := 2 * time.Duration(t.Param("RTO.Max", 60)) * time.Second
		resets(t, c, "1")
		for range t.Param("Association.Max.Retrans", 10) + 3 {
			k := c.ExpectWithin(most, with(wire.ParamOutgoingReset))
			var r wire.StreamReset
			_ = find(k, wire.ParamOutgoingReset).StreamReset(&r)
			c.answer(r.RequestSeq, wire.ReconfigInProgress)
		}
		c.ExpectAlive()
	}},
	{ID: "6525/5.2.7/2", Run: func(t *conformance.T) {
		c := dial(t)
		for range 2 {
			sends(t, c, 1, 1)
			c.ExpectMessage()
		}
		c.rest(t)
		resets(t, c, "1")
		r, _ := c.expectReset(t)
		c.answer(r.RequestSeq, wire.ReconfigPerformed)
		c.rest(t)
		sends(t, c, 1, 1)
		d, _ := c.ExpectData()
		t.Check(d.Stream == 1 && d.SSN == 0, "SSN 0 on stream 1", "SSN %d on stream %d", d.SSN, d.Stream)
	}},
}
