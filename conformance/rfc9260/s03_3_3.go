// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"net/netip"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.3, Initiation Acknowledgement (INIT ACK), and its subsections.
var section3_3_3 = []conformance.Case{
	{ID: "9260/3.3.3/1", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		t.Check(a.Peer.ARwnd >= 1500, "an INIT ACK with an a_rwnd of 1500 or more", "%d", a.Peer.ARwnd)
	}},
	{ID: "9260/3.3.3/2", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{MIS: 1})
		t.Check(a.Peer.OutboundStreams == 1, "an INIT ACK with OS 1", "%d", a.Peer.OutboundStreams)
	}},
	{ID: "9260/3.3.3/3", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		t.Check(a.Peer.InboundStreams != 0, "an INIT ACK with a MIS that is not 0", "0")
	}},
	{ID: "9260/3.3.3/4", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		c := offer(t, a)
		t.Check(!hasParam(a, c, wire.ParamHostName), "an INIT ACK without Host Name Address", "%v", c.Packet)
	}},
	{ID: "9260/3.3.3/5", Run: func(t *conformance.T) {
		c := offer(t, t.Assoc(tester.Setup{}))
		t.Check(c.Flags == 0, "an INIT ACK with Chunk Flags 0", "%#02x", c.Flags)
	}},
	{ID: "9260/3.3.3/6", Run: func(t *conformance.T) {
		var tsns []wire.TSN
		seen := map[wire.TSN]bool{}
		steps := map[int32]int{}
		for i := range 20 {
			tsn := offered(t, tester.Setup{}).Peer.InitialTSN
			t.Check(!seen[tsn], "Initial TSNs that differ", "%d twice, behind %d", tsn, tsns)
			seen[tsn] = true
			if i > 0 {
				steps[tsn.Diff(tsns[i-1])]++
			}
			tsns = append(tsns, tsn)
		}
		t.Check(len(steps) > 1, "Initial TSNs at random", "%d", tsns)
	}},
	{ID: "9260/3.3.3/7", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{})
		a.SendInitAck()
		a.Expect(tester.Is(wire.ChunkCookieEcho))
	}},
	{ID: "9260/3.3.3/8", Run: destroyed(func(in *wire.Init) { in.InitiateTag = 0 })},
	{ID: "9260/3.3.3/9", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Change: func(in *wire.Init) { in.InitiateTag = 0 }})
		tag := a.PeerTag
		a.SendInitAck()
		a.Expect(tagged(tester.Is(wire.ChunkAbort).Where("with the T bit", func(c *tester.Chunk) bool { return c.Flags&1 != 0 }), tag))
	}},
	{ID: "9260/3.3.3/10", Run: destroyed(func(in *wire.Init) { in.OutboundStreams = 0 })},
	{ID: "9260/3.3.3/11", Run: aborted(func(in *wire.Init) { in.OutboundStreams = 0 })},
	{ID: "9260/3.3.3/12", Run: destroyed(func(in *wire.Init) { in.InboundStreams = 0 })},
	{ID: "9260/3.3.3/13", Run: aborted(func(in *wire.Init) { in.InboundStreams = 0 })},
	{ID: "9260/3.3.3/14", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Change: func(in *wire.Init) { in.ARwnd = 1000 }})
		n := mark(t)
		a.SendInitAck()
		noneSince(t, n, tester.Is(wire.ChunkCookieEcho))
	}},
	{ID: "9260/3.3.3/15", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Change: func(in *wire.Init) { in.ARwnd = 1000 }})
		a.SendInitAck()
		a.Expect(tagged(tester.Is(wire.ChunkAbort), a.Tag))
	}},
	{ID: "9260/3.3.3/16", Run: func(t *conformance.T) {
		var params []byte
		for i := range 50 {
			params = wire.AppendAddress(params, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}))
		}
		a := called(t, tester.Setup{Cookie: bytes.Repeat([]byte("cookie "), 500), Params: params})
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkCookieEcho))
		t.Check(bytes.Equal(c.Value, a.Setup.Cookie), "the whole cookie", "%d bytes", len(c.Value))
	}},
}

// destroyed answers S's INIT with a wrong INIT ACK, and checks that the attempt ends.
func destroyed(change func(*wire.Init)) func(*conformance.T) {
	return func(t *conformance.T) {
		a, first := calledBy(t, tester.Setup{Change: change})
		tag := a.InitOf(first).InitiateTag
		n := mark(t)
		a.SendInitAck()
		t.Sleep(again)
		for _, c := range since(t, n) {
			t.Check(c.Type != wire.ChunkCookieEcho, "no COOKIE ECHO", "%v", c.Packet)
			t.Check(c.Type != wire.ChunkInit || a.InitOf(c).InitiateTag != tag, "no further INIT with the same Initiate Tag", "%v", c.Packet)
		}
	}
}

// aborted answers S's INIT with a wrong INIT ACK, and waits for the ABORT.
func aborted(change func(*wire.Init)) func(*conformance.T) {
	return func(t *conformance.T) {
		a := called(t, tester.Setup{Change: change})
		a.SendInitAck()
		a.Expect(tester.Is(wire.ChunkAbort))
	}
}
