// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
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
	{ID: "9260/5.1/4", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		a.ExpectInitAck()
		a.ExpectNoneFor(10*time.Second, tester.Any())
	}},
	{ID: "9260/5.1/11", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		tsn := a.SendData(0, []byte("first"))
		a.ExpectWithin(100*time.Millisecond, tester.SackOf(tsn, nil))
	}},
	{ID: "9260/5.1.4/1", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{})
		a.ExpectInit()
		a.SendInitAck()
		a.ExpectWithin(100*time.Millisecond, tester.Is(wire.ChunkCookieEcho))
	}},
	{ID: "9260/5.1.5/4", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		a.ExpectInitAck()
		t.Sleep(65 * time.Second)
		a.SendCookieEcho()
		c := a.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseStaleCookie))
		t.Check(c.Packet.Header.Tag == a.Tag, "the ERROR with the tester's Initiate Tag", "verification tag %#x", c.Packet.Header.Tag)
		t.Check(len(tester.CauseOf(c, wire.CauseStaleCookie).Raw) == 8, "a Stale Cookie cause of 8 bytes", "%d bytes", len(tester.CauseOf(c, wire.CauseStaleCookie).Raw))
	}},
}
