// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// shutdownOf matches a SHUTDOWN with a Cumulative TSN Ack.
func shutdownOf(tsn wire.TSN) tester.Match {
	return tester.Is(wire.ChunkShutdown).Where("with the Cumulative TSN Ack of what T has sent", func(c *tester.Chunk) bool {
		cum, err := wire.ParseShutdown(c.Chunk)
		return err == nil && cum == tsn
	})
}

// shutdownReceived is an association that T has shut down while an echo of S was outstanding.
func shutdownReceived(t *conformance.T) (a *tester.Assoc, echo wire.TSN) {
	a = t.Dial(tester.Setup{})
	a.Auto.Sack, a.Auto.Shutdown = false, false
	a.SendData(0, []byte("echo me"))
	d, _ := a.ExpectData()
	a.Send(wire.AppendShutdown(nil, d.TSN-1))
	return a, d.TSN
}

// Section 9.2, Shutdown of an Association.
var section9_2 = []conformance.Case{
	{ID: "9260/9.2/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/9.2/2", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		a.ExpectWithin(10*time.Second, tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/9.2/3", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		n, r := givesUp(t, a, wire.ChunkShutdownAck), t.Param("Association.Max.Retrans", 10)
		t.Check(n <= r+1, "at most 1 + Association.Max.Retrans SHUTDOWN ACKs", "%d, Association.Max.Retrans is %d", n, r)
	}},
	{ID: "9260/9.2/4", Run: func(t *conformance.T) {
		a, tsn := shutdownReceived(t)
		a.Expect(tester.Is(wire.ChunkData).Where("again", func(c *tester.Chunk) bool { return a.DataIn(c).TSN == tsn }))
		a.ExpectNone(tester.Is(wire.ChunkShutdownAck))
		t.Check(len(chunksOf(t, a, wire.ChunkShutdownAck)) == 0, "no SHUTDOWN ACK while DATA is outstanding", "one before the retransmission")
	}},
	{ID: "9260/9.2/5", Run: func(t *conformance.T) {
		a, tsn := shutdownReceived(t)
		t.Sleep(settle)
		a.Drain()
		a.Send(wire.AppendShutdown(nil, tsn))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/9.2/6", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Auto.Sack = false
		t.Act(a, "send-shutdown", "count", "5")
		shutdown := tester.Is(wire.ChunkShutdown)
		a.ExpectNoneFor(2*time.Second, shutdown)
		// S may have waited to send some of them: T acknowledges all but the last one.
		last := a.Peer.InitialTSN + 4
		if !t.Until(20*time.Second, func() bool {
			if cum := a.CumTSN(); cum.Less(last) && cum != lastSacked(t, a) {
				sack(a, cum, 65535)
			}
			return !a.CumTSN().Less(last)
		}) {
			t.Inconclusive("S sends %d messages of 5", len(firsts(t, a)))
		}
		sack(a, last-1, 65535)
		a.ExpectNone(shutdown)
		a.SendSack()
		a.Expect(shutdown)
	}},
	{ID: "9260/9.2/7", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		for range 5 {
			quiet(a)
		}
		a.ExpectSack(a.NextTSN - 1)
		c := shutDown(t, a)
		t.Check(shutdownOf(a.NextTSN-1).OK(c), "a SHUTDOWN with the last TSN in its Cumulative TSN Ack", "%v, not %d", c.Chunk, a.NextTSN-1)
	}},
	{ID: "9260/9.2/8", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		a.ExpectWithin(10*time.Second, tester.Is(wire.ChunkShutdown))
	}},
	{ID: "9260/9.2/9", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		a.Auto.HeartbeatAck = false // each packet of T clears the count
		n, r := givesUp(t, a, wire.ChunkShutdown), t.Param("Association.Max.Retrans", 10)
		t.Check(n <= r+1, "at most 1 + Association.Max.Retrans SHUTDOWNs", "%d, Association.Max.Retrans is %d", n, r)
	}},
	{ID: "9260/9.2/10", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		for range 2 {
			a.Drain()
			a.ExpectWithin(atOnce, shutdownOf(quiet(a)))
			t.Sleep(300 * time.Millisecond)
		}
	}},
	{ID: "9260/9.2/11", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		chunk := quietChunk(a, 0)
		a.Send(chunk)
		first := a.NextTSN - 1
		a.Expect(shutdownOf(first))
		a.NextTSN++
		a.Drain()
		quiet(a)
		a.Expect(tester.Is(wire.ChunkSack).Where("with a Gap Ack Block for the TSN", func(c *tester.Chunk) bool {
			s := a.SackIn(c)
			return s.CumTSNAck == first && len(s.Gaps) == 1 && s.Gaps[0] == wire.GapAckBlock{Start: 2, End: 2}
		}))
		t.Sleep(settle)
		a.Drain()
		a.Send(chunk)
		a.Expect(tester.Is(wire.ChunkSack))
	}},
	{ID: "9260/9.2/12", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		a.Send(wire.AppendShutdownAck(nil))
		a.Expect(tester.Is(wire.ChunkShutdownComplete))
		a.ExpectGone()
	}},
	{ID: "9260/9.2/13", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		a.Send(wire.AppendShutdownComplete(nil, false))
		t.Sleep(atOnce)
		a.Drain()
		if t.Target.Port != 0 { // or else S does not listen
			b := a.Restart(tester.Setup{})
			b.SendInit()
			b.ExpectInitAck()
		}
		a.ExpectNoneFor(t.Wait(), tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/9.2/14", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		a.Drain()
		b := a.Restart(tester.Setup{})
		b.SendInit()
		a.Expect(tester.Is(wire.ChunkShutdownAck))
		b.ExpectNone(tester.Is(wire.ChunkInitAck))
	}},
	{ID: "9260/9.2/15", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{})
		a.ExpectInit()
		a.Send(wire.AppendShutdown(nil, 0))
		a.ExpectNone(tester.Not(tester.Is(wire.ChunkInit, wire.ChunkHeartbeat)))
		a.Drain()
		a.SendInitAck()
		a.Expect(tester.Is(wire.ChunkCookieEcho))
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.ExpectNone(tester.Not(tester.Is(wire.ChunkCookieEcho, wire.ChunkHeartbeat)))
		a.Send(wire.AppendCookieAck(nil))
		a.ExpectAlive()
	}},
	{ID: "9260/9.2/16", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.ExpectWithin(atOnce, tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/9.2/17", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		a.Send(wire.AppendShutdownAck(nil))
		a.Expect(tester.Is(wire.ChunkShutdownComplete))
		a.ExpectNoneFor(t.Wait(), tester.Is(wire.ChunkShutdownAck))
	}},
}
