// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// ignored checks that S takes no notice of chunks with a tag: the association is alive, and S says nothing.
func ignored(t *conformance.T, a *tester.Assoc, tag uint32, chunk []byte) {
	a.Drain()
	a.SendTag(tag, chunk)
	a.ExpectSilence()
	a.ExpectAlive()
}

// ootbShutdownAck checks how S, which is setting up an association, answers a SHUTDOWN ACK.
func ootbShutdownAck(t *conformance.T, a *tester.Assoc) {
	tag := t.Rand().Uint32() | 1
	a.SendTag(tag, wire.AppendShutdownAck(nil))
	c := a.Expect(tester.Is(wire.ChunkShutdownComplete))
	t.Check(reflected(wire.ChunkShutdownComplete, tag).OK(c), "a SHUTDOWN COMPLETE with the same verification tag and the T bit", "%v with %#x, not %#x", c.Chunk, c.Packet.Header.Tag, tag)
}

// Section 8.5, Verification Tag, and its subsection.
var section8_5 = []conformance.Case{
	{ID: "9260/8.5/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.SendTag(a.PeerTag+1, a.Data(0, []byte("wrong tag")))
		a.ExpectSilence()
		a.ExpectAlive()
	}},
	{ID: "9260/8.5/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		for _, c := range [][]byte{wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("wrong tag")), wire.AppendShutdown(nil, a.CumTSN()), wire.AppendCookieAck(nil)} {
			ignored(t, a, a.PeerTag+1, c)
		}
	}},
	{ID: "9260/8.5.1/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		ignored(t, a, 0, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("no tag")))
	}},
	{ID: "9260/8.5.1/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(a.Data(0, nil))
		c := a.Next(t.Wait(), tester.Is(wire.ChunkAbort))
		if c == nil {
			t.Inconclusive("DATA without user data does not make S abort")
		}
		t.Check(c.Packet.Header.Tag == a.Tag && c.Flags&wire.FlagT == 0, "an ABORT with T's tag and without the T bit", "%v with %#x, not %#x", c.Chunk, c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/8.5.1/3", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(wire.AppendAbort(nil, false, nil))
		a.ExpectGone()
	}},
	{ID: "9260/8.5.1/4", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.SendTag(a.Tag, wire.AppendAbort(nil, true, nil))
		a.ExpectGone()
	}},
	{ID: "9260/8.5.1/5", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		for _, tag := range []uint32{a.Tag, t.Rand().Uint32() | 1} {
			ignored(t, a, tag, wire.AppendAbort(nil, false, nil))
		}
	}},
	{ID: "9260/8.5.1/6", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		ignored(t, a, a.PeerTag, wire.AppendAbort(nil, true, nil))
	}},
	{ID: "9260/8.5.1/7", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		shutDown(t, a)
		a.Send(wire.AppendShutdownAck(nil))
		c := a.Expect(tester.Is(wire.ChunkShutdownComplete))
		t.Check(c.Packet.Header.Tag == a.Tag && c.Flags&wire.FlagT == 0, "a SHUTDOWN COMPLETE with T's tag and without the T bit", "%v with %#x, not %#x", c.Chunk, c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/8.5.1/8", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		for _, reflected := range []bool{false, true} {
			a.SendTag(t.Rand().Uint32()|1, wire.AppendShutdownComplete(nil, reflected))
		}
		t.Sleep(atOnce)
		a.Drain()
		a.Expect(tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/8.5.1/9", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		a.SendTag(a.Tag, wire.AppendShutdownComplete(nil, true))
		t.Sleep(atOnce)
		a.Drain()
		a.ExpectNoneFor(t.Wait(), tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/8.5.1/10", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		ignored(t, a, a.PeerTag, wire.AppendShutdownComplete(nil, false))
	}},
	{ID: "9260/8.5.1/11", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{})
		a.ExpectInit()
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkCookieEcho))
		t.Check(c.Packet.Header.Tag == a.Tag, "a COOKIE ECHO with the Initiate Tag of the INIT ACK", "%#x, not %#x", c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/8.5.1/12", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{})
		a.ExpectInit()
		ootbShutdownAck(t, a)
		a.AcceptInit()
		a.ExpectAlive()
	}},
	{ID: "9260/8.5.1/13", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{})
		a.ExpectInit()
		a.SendInitAck()
		a.Expect(tester.Is(wire.ChunkCookieEcho))
		ootbShutdownAck(t, a)
		a.Send(wire.AppendCookieAck(nil))
		a.ExpectAlive()
	}},
}
