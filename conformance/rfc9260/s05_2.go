// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.2, Handle Duplicate or Unexpected INIT, INIT ACK, COOKIE ECHO, and COOKIE ACK Chunks, and its subsections.
var section5_2 = []conformance.Case{
	{ID: "9260/5.2.1/1", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		first := a.InitOf(c)
		a.Cookie = nil
		a.SendInit()
		sameInit(t, a, first, a.ExpectInitAck())
		t.Check(a.Cookie != nil, "an INIT ACK with a State Cookie", "none")
	}},
	{ID: "9260/5.2.1/2", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		first := a.InitOf(c)
		a.SendInitAck()
		if a.Next(t.Wait(), tester.Is(wire.ChunkCookieEcho)) == nil {
			t.Inconclusive("the system under test has sent no COOKIE ECHO")
		}
		a.SendInit()
		in := a.InitOf(a.ExpectInitAck())
		t.Check(in.InitiateTag == first.InitiateTag, "an INIT ACK with the Initiate Tag of the INIT", "%#x, not %#x", in.InitiateTag, first.InitiateTag)
	}},
	{ID: "9260/5.2.1/3", Run: func(t *conformance.T) {
		a := cookieEchoed(t, tester.Setup{})
		n := mark(t)
		a.Restart(tester.Setup{ListAddrs: []int{0, 1}}).SendInit()
		noneSince(t, n, tester.Is(wire.ChunkInitAck))
		up(a)
	}},
	{ID: "9260/5.2.1/4", Run: func(t *conformance.T) {
		a := cookieEchoed(t, tester.Setup{})
		b := a.Restart(tester.Setup{ListAddrs: []int{0, 1}})
		b.SendInit()
		b.Expect(tagged(tester.Is(wire.ChunkAbort), b.Tag))
	}},
	{ID: "9260/5.2.1/5", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{})
		a.SendInit()
		if a.Next(t.Wait(), tester.Is(wire.ChunkInitAck)) == nil {
			t.Inconclusive("the system under test has sent no INIT ACK")
		}
		a.ExpectWithin(again, tester.Is(wire.ChunkInit))
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkCookieEcho))
		t.Check(bytes.Equal(c.Value, a.Setup.Cookie), "COOKIE ECHO with the cookie", "%x", c.Value)
		up(a)
	}},

	{ID: "9260/5.2.2/1", Run: func(t *conformance.T) {
		b := t.Establish(tester.Setup{}).Restart(tester.Setup{})
		b.SendInit()
		b.ExpectInitAck()
		t.Check(b.Cookie != nil, "an INIT ACK with a State Cookie", "none")
	}},
	{ID: "9260/5.2.2/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		b := a.Restart(tester.Setup{})
		b.SendInit()
		c := expectSince(t, n, tester.Is(wire.ChunkInitAck))
		t.Check(c.Packet.Header.Tag == b.Tag, "an INIT ACK with the Initiate Tag of the new INIT", "%#x, not %#x", c.Packet.Header.Tag, b.Tag)
	}},
	{ID: "9260/5.2.2/3", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := a.Restart(tester.Setup{})
		for range 2 {
			b.SendInit()
			in := b.InitOf(b.ExpectInitAck())
			t.Check(in.InitiateTag != a.PeerTag, "an INIT ACK with a new Initiate Tag", "%#x, that of the association", in.InitiateTag)
		}
	}},
	{ID: "9260/5.2.2/4", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := a.Restart(tester.Setup{})
		b.SendInit()
		in := b.InitOf(b.ExpectInitAck())
		t.Check(in.OutboundStreams == a.Peer.OutboundStreams, "the OS of the association", "%d, not %d", in.OutboundStreams, a.Peer.OutboundStreams)
	}},
	{ID: "9260/5.2.2/5", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		offer(t, a.Restart(tester.Setup{}))
		a.ExpectAlive()
		a.ExpectSack(a.SendData(0, []byte("data")))
	}},
	{ID: "9260/5.2.2/6", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		b := a.Restart(tester.Setup{ListAddrs: []int{0, 1}})
		b.SendInit()
		b.Expect(tagged(tester.Is(wire.ChunkAbort), b.Tag))
		noneSince(t, n, tester.Is(wire.ChunkInitAck))
	}},
	{ID: "9260/5.2.2/7", Run: func(t *conformance.T) {
		b := t.Establish(tester.Setup{}).Restart(tester.Setup{ListAddrs: []int{0, 1}})
		b.SendInit()
		c := b.Next(t.Wait(), tester.Is(wire.ChunkAbort).Cause(wire.CauseRestartNewAddresses))
		if c == nil {
			t.Inconclusive("the system under test has sent no ABORT with the cause, which it may leave out")
		}
		x := tester.CauseOf(c, wire.CauseRestartNewAddresses)
		added := wire.AppendAddress(nil, b.Addr(1).Addr())
		t.Check(bytes.Equal(x.Value, added), "the added address in the cause", "%x, not %x", x.Value, added)
	}},
	{ID: "9260/5.2.2/8", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := a.Restart(tester.Setup{ListAddrs: []int{0, 1}})
		b.SendInit()
		if b.Next(t.Wait(), tester.Is(wire.ChunkAbort)) == nil {
			t.Inconclusive("the system under test has sent no ABORT")
		}
		a.ExpectAlive()
	}},
	{ID: "9260/5.2.2/9", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Auto.Shutdown = false
		t.Act(a, "shutdown")
		if a.Next(t.Wait(), tester.Is(wire.ChunkShutdown)) == nil {
			t.Inconclusive("the system under test has sent no SHUTDOWN")
		}
		b := a.Restart(tester.Setup{})
		b.SendInit()
		b.ExpectInitAck()
		t.Check(b.Cookie != nil, "an INIT ACK with a State Cookie", "none")
		n := mark(t)
		t.Until(again, func() bool { return shutdownSince(t, n) })
		t.Check(shutdownSince(t, n), "SHUTDOWN again", "none")
	}},

	{ID: "9260/5.2.3/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		a.SendInitAck()
		noneSince(t, n, tester.Any())
		a.ExpectAlive()
	}},
	{ID: "9260/5.2.3/2", Run: func(t *conformance.T) {
		a := cookieEchoed(t, tester.Setup{})
		n := mark(t)
		b := a.Restart(tester.Setup{Tag: a.Tag, TSN: a.Setup.TSN})
		b.PeerTag = a.PeerTag
		b.SendInitAck()
		noneSince(t, n, tester.Is(wire.ChunkCookieEcho).Where("with the second cookie", func(c *tester.Chunk) bool { return bytes.Equal(c.Value, b.Setup.Cookie) }))
		b.Forgotten = true
		up(a)
	}},

	{ID: "9260/5.2.4/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := a.Restart(tester.Setup{})
		offer(t, b)
		n := mark(t)
		b.SendCookieEcho()
		c := expectSince(t, n, tester.Is(wire.ChunkCookieAck))
		t.Check(c.Packet.Header.Tag == b.Tag, "COOKIE ACK with the new tag", "%#x, not %#x", c.Packet.Header.Tag, b.Tag)
		b.ExpectSack(b.SendData(0, []byte("data")))
		a.ExpectGone()
	}},
	{ID: "9260/5.2.4/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := a.Restart(tester.Setup{})
		offer(t, b)
		a.Auto.Shutdown = false
		b.Auto.Shutdown = false
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		if a.Next(t.Wait(), tester.Is(wire.ChunkShutdownAck)) == nil {
			t.Inconclusive("the system under test has sent no SHUTDOWN ACK")
		}
		n := mark(t)
		b.SendCookieEcho()
		e := expectSince(t, n, tester.Is(wire.ChunkError).Cause(wire.CauseCookieWhileShuttingDown))
		// Not the one that T2-shutdown sends.
		ack := expectSince(t, n, tester.Is(wire.ChunkShutdownAck))
		d := ack.Packet.Time.Sub(e.Packet.Time).Abs()
		t.Check(d < atOnce, "SHUTDOWN ACK again together with the ERROR", "%v between them", d)
		noneSince(t, n, tester.Is(wire.ChunkCookieAck))
	}},
	{ID: "9260/5.2.4/3", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{})
		offer(t, a)
		n := mark(t)
		a.SendCookieEcho()
		a.ExpectCookieAck()
		n++ // the COOKIE ECHO
		a.ExpectAlive()
		t.Sleep(again)
		for _, c := range since(t, n) {
			t.Check(c.Type != wire.ChunkInit, "no further INIT", "%v", c.Packet)
			t.Check(c.Packet.Header.Tag == a.Tag, "the tester's tag in every packet", "%v", c.Packet)
		}
	}},
	{ID: "9260/5.2.4/4", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.SendCookieEcho()
		a.ExpectCookieAck()
		a.ExpectAlive()
	}},
	{ID: "9260/5.2.4/5", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		outlive(t)
		n := mark(t)
		a.SendCookieEcho()
		a.ExpectCookieAck()
		noneSince(t, n, tester.Is(wire.ChunkError))
	}},
	{ID: "9260/5.2.4/6", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		b := a.Restart(tester.Setup{})
		offer(t, b)
		outlive(t)
		n := mark(t)
		b.SendCookieEcho()
		expectSince(t, n, tester.Is(wire.ChunkError).Cause(wire.CauseStaleCookie))
		noneSince(t, n, tester.Is(wire.ChunkCookieAck))
		a.ExpectAlive()
	}},
	{ID: "9260/5.2.4/7", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		b := a.Restart(tester.Setup{}).Connect()
		n := mark(t)
		a.SendCookieEcho()
		noneSince(t, n, tester.Any())
		b.ExpectAlive()
	}},

	{ID: "9260/5.2.5/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		a.Send(wire.AppendCookieAck(nil))
		noneSince(t, n, tester.Any())
		a.ExpectAlive()
	}},
	{ID: "9260/5.2.5/2", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{})
		n := mark(t)
		a.Send(wire.AppendCookieAck(nil))
		noneSince(t, n, tester.Not(tester.Is(wire.ChunkInit)))
		t.Until(again, func() bool { return len(since(t, n)) > 0 })
		t.Check(len(since(t, n)) > 0, "the INIT again", "nothing")
		a.AcceptInit()
	}},
	{ID: "9260/5.2.6/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		a.Send(wire.AppendError(nil, wire.AppendStaleCookie(nil, uint32(time.Second.Microseconds()))))
		noneSince(t, n, tester.Any())
		a.ExpectAlive()
	}},
}

// sameInit checks that an INIT ACK says what S's INIT has said.
func sameInit(t *conformance.T, a *tester.Assoc, first wire.Init, initAck *tester.Chunk) {
	in := a.InitOf(initAck)
	t.Check(in.InitiateTag == first.InitiateTag && in.OutboundStreams == first.OutboundStreams && in.InboundStreams == first.InboundStreams && in.InitialTSN == first.InitialTSN,
		"an INIT ACK with Initiate Tag, OS, MIS and Initial TSN of the INIT", "%#x, %d, %d, %d, not %#x, %d, %d, %d",
		in.InitiateTag, in.OutboundStreams, in.InboundStreams, in.InitialTSN, first.InitiateTag, first.OutboundStreams, first.InboundStreams, first.InitialTSN)
}

// shutdownSince reports whether S has sent SHUTDOWN after the first n packets.
func shutdownSince(t *conformance.T, n int) bool {
	for _, c := range since(t, n) {
		if c.Type == wire.ChunkShutdown {
			return true
		}
	}
	return false
}
