// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.1, Normal Establishment of an Association, and its subsections.
var section5_1 = []conformance.Case{
	{ID: "9260/5.1/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		c := a.ExpectInitAck()
		t.Check(c.Packet.Header.Tag == a.Tag, "an INIT ACK with the verification tag of the INIT", "%#x, not %#x", c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/5.1/2", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		cookies := 0
		for _, p := range tester.InitParams(a.InitOf(a.ExpectInitAck())) {
			if p.Type == wire.ParamStateCookie {
				cookies++
			}
		}
		t.Check(cookies == 1, "one State Cookie parameter", "%d", cookies)
	}},
	{ID: "9260/5.1/3", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{ListAddrs: []int{1}})
		a.SendInit()
		c := a.ExpectInitAck()
		t.Check(c.Packet.Local == 0, "an INIT ACK to the address that the INIT came from", "%v", c.Packet)
	}},
	{ID: "9260/5.1/4", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		a.ExpectInitAck()
		a.ExpectNoneFor(10*time.Second, tester.Any())
	}},
	{ID: "9260/5.1/5", Run: func(t *conformance.T) {
		first := offered(t, tester.Setup{})
		inits := t.Assoc(tester.Setup{})
		const count, batch = 5000, 100
		answered := mark(t)
		for i := 0; i < count; {
			for range batch {
				inits.SendWith(tester.Out{Tag: tester.Ptr(uint32(0)), SrcPort: uint16(1000 + i)}, inits.InitChunk(wire.ChunkInit))
				i++
			}
			t.Until(t.Quiet(), func() bool { return len(t.Packets())-answered >= 2*i })
		}
		if n := len(t.Packets()) - answered - count; n < count*9/10 {
			t.Inconclusive("the system under test has answered %d of %d INITs", n, count)
		}
		last := offered(t, tester.Setup{})
		for _, a := range []*tester.Assoc{first, last} {
			a.SendCookieEcho()
			a.ExpectCookieAck()
		}
	}},
	{ID: "9260/5.1/6", Run: func(t *conformance.T) {
		a := calledWithData(t, tester.Setup{})
		n := mark(t)
		a.SendInitAck()
		a.Expect(tester.Is(wire.ChunkCookieEcho))
		t.Sleep(3 * time.Second)
		for _, c := range since(t, n) {
			t.Check(c.Packet.Chunks[0].Type == wire.ChunkCookieEcho, "no packet without COOKIE ECHO", "%v", c.Packet)
		}
		up(a)
		if !t.Until(t.Wait(), func() bool { return first(t, wire.ChunkData) >= 0 }) {
			t.Inconclusive("the system under test had nothing to send")
		}
	}},
	{ID: "9260/5.1/7", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		a.SendCookieEcho(a.Data(0, []byte("data")))
		c := a.ExpectCookieAck()
		t.Check(c.Index == 0, "COOKIE ACK as the first chunk of its packet", "%v", c.Packet)
	}},
	{ID: "9260/5.1/8", Run: aborted(noCookie)},
	{ID: "9260/5.1/9", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Change: noCookie})
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkAbort))
		x := tester.CauseOf(c, wire.CauseMissingParam)
		t.Check(x != nil && bytes.Equal(x.Value, []byte{0, 0, 0, 1, 0, byte(wire.ParamStateCookie)}),
			"the cause Missing Mandatory Parameter with the type of State Cookie", "%v", c.Packet)
	}},
	{ID: "9260/5.1/10", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Change: noCookie})
		a.SendInitAck()
		c := a.Next(t.Wait(), tester.Is(wire.ChunkAbort))
		if c == nil {
			t.Inconclusive("the system under test has sent no ABORT")
		}
		t.Check(c.Packet.Header.Tag == a.Tag, "an ABORT with the Initiate Tag of the INIT ACK", "%#x, not %#x", c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/5.1/11", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		tsn := a.SendData(0, []byte("first"))
		a.ExpectWithin(atOnce, tester.SackOf(tsn, nil))
	}},
	{ID: "9260/5.1/12", Run: func(t *conformance.T) {
		a := t.Endpoint().Listen(tester.Setup{})
		t.Do("connect", t.Here(a, 0, 1))
		// 1, 2, 4 and 8 s, or 3, 6, 12 and 24 s.
		a.ExpectWithin(45*time.Second, tester.Is(wire.ChunkInit).To(0))
		if !t.Until(45*time.Second, func() bool {
			for _, c := range since(t, 0) {
				if c.Type == wire.ChunkInit && c.Packet.Local == 1 {
					return true
				}
			}
			return false
		}) {
			t.Fail("INITs to both addresses", "none to the second")
		}
	}},

	{ID: "9260/5.1.1/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{OS: 10, MIS: 1})
		for _, stream := range []uint16{0, 3, 9} {
			a.SendData(stream, []byte("data"))
		}
		if _, ok := a.NextMessage(t.Wait(), nil); !ok {
			t.Inconclusive("the system under test has echoed nothing")
		}
		noneSince(t, 0, streamAbove(0))
	}},
	{ID: "9260/5.1.1/2", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{MIS: 1})
		if a.Peer.OutboundStreams < 2 {
			t.Inconclusive("the system under test wants no more than one stream")
		}
		a.AcceptInit()
		t.Act(a, "send", "stream", "0")
		if _, ok := a.NextMessage(t.Wait(), nil); !ok {
			t.Inconclusive("the system under test has sent nothing")
		}
		t.Act(a, "send", "stream", "1")
		noneSince(t, 0, streamAbove(0))
	}},

	{ID: "9260/5.1.2/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.ExpectAlive()
		a.Auto.Sack = false
		a.ExpectSack(a.SendData(0, []byte("data")))
		t.Sleep(4 * time.Second) // for retransmissions, if S echoes
		for _, c := range since(t, 0) {
			t.Check(c.Packet.Local == 0, "packets to the address of the INIT only", "%v", c.Packet)
		}
		a.SendSack()
	}},
	{ID: "9260/5.1.2/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{ListAddrs: []int{0, 1}})
		a.Expect(a.Beat(tester.Out{From: tester.Ptr(1)}))
	}},
	{ID: "9260/5.1.2/3", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{ListAddrs: []int{1}})
		a.Expect(a.Beat(tester.Out{From: tester.Ptr(0)}))
	}},
	{ID: "9260/5.1.2/4", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		n := mark(t)
		b := a.Restart(tester.Setup{ListAddrs: []int{0, 1}})
		b.From = 1
		b.SendInit()
		b.Expect(tagged(tester.Is(wire.ChunkAbort), b.Tag))
		noneSince(t, n, tester.Is(wire.ChunkInitAck))
		a.ExpectAlive()
	}},
	{ID: "9260/5.1.2/5", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{ListAddrs: []int{0}})
		other := netip.MustParseAddr("192.0.2.1")
		if family(a, true) == wire.ParamIPv4 {
			other = netip.MustParseAddr("2001:db8::1")
		}
		a.Setup.Params = wire.AppendAddress(nil, other)
		noError(t, a)
	}},
	{ID: "9260/5.1.2/6", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.Setup.Params = wire.AppendSupportedAddressTypes(nil, family(a, false))
		noError(t, a)
	}},
	{ID: "9260/5.1.2/7", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{ListAddrs: []int{1}}).AcceptInit()
		a.ExpectAll(a.Beat(tester.Out{From: tester.Ptr(0)}), a.Beat(tester.Out{From: tester.Ptr(1)}))
	}},

	{ID: "9260/5.1.3/1", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		const flips = 64
		flip := func(i int) (at int) {
			cookie := bytes.Clone(a.Cookie)
			at = i * len(cookie) / flips
			cookie[at] ^= 1 << (i % 8)
			a.Send(wire.AppendCookieEcho(nil, cookie))
			return at
		}
		end := func() { // the association, if there is one
			a.Send(wire.AppendAbort(nil, false, nil))
			t.Sleep(atOnce)
			a.Drain()
		}
		n := mark(t)
		for i := range flips {
			flip(i)
		}
		if t.Until(t.Quiet(), func() bool {
			for _, c := range since(t, n) {
				if c.Type == wire.ChunkCookieAck {
					return true
				}
			}
			return false
		}) {
			// Which ones? A few bytes may be filler.
			var taken []int
			for i := range flips {
				end()
				at := flip(i)
				if a.Next(t.Quiet()/4, tester.Is(wire.ChunkCookieAck)) != nil {
					taken = append(taken, at)
				}
			}
			t.Check(len(taken) > 0 && taken[len(taken)-1]-taken[0] < 16, "no COOKIE ACK to a cookie that was changed", "one to changes at the bytes %d", taken)
			end()
		}
		a.SendCookieEcho()
		a.ExpectCookieAck()
	}},

	{ID: "9260/5.1.4/1", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{})
		a.SendInitAck()
		a.ExpectWithin(atOnce, tester.Is(wire.ChunkCookieEcho))
	}},
	{ID: "9260/5.1.4/2", Run: func(t *conformance.T) {
		a := cookieEchoed(t, tester.Setup{})
		c := a.ExpectWithin(again, tester.Is(wire.ChunkCookieEcho))
		t.Check(bytes.Equal(c.Value, a.Setup.Cookie), "the same cookie", "%x", c.Value)
	}},

	{ID: "9260/5.1.5/1", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		good := bytes.Clone(a.Cookie)
		for i := range a.Cookie {
			a.Cookie[i] ^= 0xff
		}
		n := mark(t)
		a.SendCookieEcho(a.Data(0, []byte("data")))
		noneSince(t, n, tester.Any())
		a.Cookie = good
		stillGood(t, a)
	}},
	{ID: "9260/5.1.5/2", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		n := mark(t)
		a.SendWith(tester.Out{SrcPort: a.Port ^ 1}, wire.AppendCookieEcho(nil, a.Cookie))
		noneSince(t, n, tester.Any())
		stillGood(t, a)
	}},
	{ID: "9260/5.1.5/3", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		n := mark(t)
		a.SendTag(a.PeerTag+1, wire.AppendCookieEcho(nil, a.Cookie))
		noneSince(t, n, tester.Any())
		stillGood(t, a)
	}},
	{ID: "9260/5.1.5/4", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		outlive(t)
		a.SendCookieEcho()
		c := a.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseStaleCookie))
		t.Check(c.Packet.Header.Tag == a.Tag, "the ERROR with the tester's Initiate Tag", "verification tag %#x", c.Packet.Header.Tag)
		t.Check(len(tester.CauseOf(c, wire.CauseStaleCookie).Raw) == 8, "a Stale Cookie cause of 8 bytes", "%d bytes", len(tester.CauseOf(c, wire.CauseStaleCookie).Raw))
	}},
	{ID: "9260/5.1.5/5", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		outlive(t)
		n := mark(t)
		a.SendCookieEcho(a.Data(0, []byte("data")))
		noneSince(t, n, tester.Is(wire.ChunkCookieAck, wire.ChunkSack))
	}},
	{ID: "9260/5.1.5/6", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		a.SendCookieEcho()
		a.ExpectCookieAck()
		a.ExpectAlive()
	}},
	{ID: "9260/5.1.5/7", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		a.SendCookieEcho(a.Data(0, []byte("first")), a.Data(0, []byte("second")))
		ack := a.ExpectCookieAck()
		sack := expectSince(t, 0, tester.SackOf(a.NextTSN-1, nil))
		t.Check(sack.Packet.Time.Sub(ack.Packet.Time) < atOnce, "SACK at once", "%v after COOKIE ACK", sack.Packet.Time.Sub(ack.Packet.Time))
	}},

	{ID: "9260/5.1.6/1", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		first := a.InitOf(c)
		for range 2 {
			if c = a.Next(again, tester.Is(wire.ChunkInit)); c == nil {
				t.Inconclusive("the INIT was not retransmitted")
			}
			in := a.InitOf(c)
			t.Check(in.InitiateTag == first.InitiateTag && in.InitialTSN == first.InitialTSN, "the same Initiate Tag and Initial TSN",
				"%#x and %d, then %#x and %d", first.InitiateTag, first.InitialTSN, in.InitiateTag, in.InitialTSN)
		}
	}},
	{ID: "9260/5.1.6/2", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		most := float64(t.Param("RTO.Max", 60))
		before, want := c.Packet.Time, 0.0
		for range 5 {
			if c = a.Next(100*time.Second, tester.Is(wire.ChunkInit)); c == nil {
				t.Inconclusive("the INIT was not retransmitted five times")
			}
			got := c.Packet.Time.Sub(before).Seconds()
			t.Check(want == 0 || got > 0.7*want && got < 1.3*want, "intervals that double", "%.1f s where %.1f s are due", got, want)
			before, want = c.Packet.Time, min(2*got, most)
		}
	}},
}

// noCookie takes the parameters out of an INIT ACK.
func noCookie(in *wire.Init) { in.Params = nil }

// streamAbove matches DATA on a higher stream.
func streamAbove(most uint16) tester.Match {
	return tester.Is(wire.ChunkData).Where("on a stream that does not exist", func(c *tester.Chunk) bool {
		d, err := wire.ParseData(c.Chunk)
		return err == nil && d.Stream > most
	})
}

// noError checks that the INIT of a gets an INIT ACK, and that nothing is said to be wrong.
func noError(t *conformance.T, a *tester.Assoc) {
	n := mark(t)
	a.SendInit()
	c := a.ExpectInitAck()
	t.Check(!hasParam(a, c, wire.ParamUnrecognized), "an INIT ACK without Unrecognized Parameter", "%v", c.Packet)
	noneSince(t, n, tester.Is(wire.ChunkError, wire.ChunkAbort))
}

// stillGood makes the case inconclusive unless the cookie of a is one.
func stillGood(t *conformance.T, a *tester.Assoc) {
	a.SendCookieEcho()
	if a.Next(t.Wait(), tester.Is(wire.ChunkCookieAck)) == nil {
		t.Inconclusive("the cookie is not accepted as it should be, either")
	}
}

// outlive waits until cookies are stale.
func outlive(t *conformance.T) {
	t.Sleep(time.Duration(t.Param("Valid.Cookie.Life", 60)+5) * time.Second)
}
