// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"fmt"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// outOfTheBlue sends chunks with a tag of no association.
func outOfTheBlue(t *conformance.T, chunks ...[]byte) (a *tester.Assoc, tag uint32) {
	a = t.Assoc(tester.Setup{})
	tag = t.Rand().Uint32() | 1
	a.SendTag(tag, chunks...)
	return a, tag
}

// reflected matches ABORT or SHUTDOWN COMPLETE with a tag that came out of the blue, and the T bit.
func reflected(typ wire.ChunkType, tag uint32) tester.Match {
	return tester.Is(typ).Where(fmt.Sprintf("with verification tag %#x and the T bit", tag), func(c *tester.Chunk) bool {
		return c.Packet.Header.Tag == tag && c.Flags&wire.FlagT != 0
	})
}

// data is a DATA chunk of no association.
func data() []byte {
	d := wire.Data{Flags: wire.DataBegin | wire.DataEnd, TSN: 1, Payload: []byte("out of the blue")}
	return d.Append(nil)
}

// answeredByAbort is a case of Section 8.4, rule 8: what comes is answered by ABORT.
func answeredByAbort(chunk func() []byte) func(*conformance.T) {
	return func(t *conformance.T) {
		a, _ := outOfTheBlue(t, chunk())
		c := a.Expect(tester.Any())
		t.Check(c.Type == wire.ChunkAbort, "ABORT", "%v", c.Chunk)
	}
}

// Section 8.4, Handle "Out of the Blue" (OOTB) Packets.
var section8_4 = []conformance.Case{
	{ID: "9260/8.4/1", Run: func(t *conformance.T) {
		for _, reflected := range []bool{false, true} {
			a, _ := outOfTheBlue(t, wire.AppendAbort(nil, reflected, nil))
			a.ExpectSilence()
		}
		t.Dial(tester.Setup{}) // S is there
	}},
	{ID: "9260/8.4/2", Run: func(t *conformance.T) {
		a, _ := outOfTheBlue(t, data(), wire.AppendAbort(nil, false, nil))
		a.ExpectSilence()
		t.Dial(tester.Setup{})
	}},
	{ID: "9260/8.4/3", Run: func(t *conformance.T) {
		port := uint16(33333)
		if port == t.Target.Port {
			port++
		}
		a := t.Endpoint().NewAssoc(tester.Setup{}, port)
		a.SendInit()
		c := a.Next(t.Quiet(), tester.Any())
		if c == nil || c.Type == wire.ChunkInitAck {
			t.Inconclusive("S does not refuse an INIT to SCTP port %d", port)
		}
		t.Check(c.Type == wire.ChunkAbort && c.Packet.Header.Tag == a.Tag && c.Flags&wire.FlagT == 0,
			"an ABORT with the Initiate Tag and without the T bit", "%v with verification tag %#x, the Initiate Tag is %#x", c.Chunk, c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/8.4/4", Run: func(t *conformance.T) {
		a, _ := outOfTheBlue(t, wire.AppendShutdownAck(nil))
		a.Expect(tester.Is(wire.ChunkShutdownComplete))
	}},
	{ID: "9260/8.4/5", Run: func(t *conformance.T) {
		a, tag := outOfTheBlue(t, wire.AppendShutdownAck(nil))
		c := a.Next(t.Wait(), tester.Is(wire.ChunkShutdownComplete))
		if c == nil {
			t.Inconclusive("S does not answer a SHUTDOWN ACK out of the blue")
		}
		t.Check(reflected(wire.ChunkShutdownComplete, tag).OK(c), "a SHUTDOWN COMPLETE with the same verification tag and the T bit", "%v with %#x, not %#x", c.Chunk, c.Packet.Header.Tag, tag)
	}},
	{ID: "9260/8.4/6", Run: func(t *conformance.T) {
		for _, reflected := range []bool{false, true} {
			a, _ := outOfTheBlue(t, wire.AppendShutdownComplete(nil, reflected))
			a.ExpectSilence()
		}
		t.Dial(tester.Setup{})
	}},
	{ID: "9260/8.4/7", Run: func(t *conformance.T) {
		for _, c := range [][]byte{wire.AppendError(nil, wire.AppendStaleCookie(nil, 1000)), wire.AppendCookieAck(nil)} {
			a, _ := outOfTheBlue(t, c)
			a.ExpectSilence()
		}
		t.Dial(tester.Setup{})
	}},
	{ID: "9260/8.4/8", Run: answeredByAbort(data)},
	{ID: "9260/8.4/9", Run: answeredByAbort(func() []byte { s := wire.Sack{CumTSNAck: 1, ARwnd: 65535}; return s.Append(nil) })},
	{ID: "9260/8.4/10", Run: answeredByAbort(func() []byte { return wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("heartbeat")) })},
	{ID: "9260/8.4/11", Run: answeredByAbort(func() []byte { return wire.AppendShutdown(nil, 1) })},
	{ID: "9260/8.4/12", Run: answeredByAbort(func() []byte { return wire.AppendError(nil, wire.AppendInvalidStream(nil, 1)) })},
	{ID: "9260/8.4/13", Run: func(t *conformance.T) {
		a, tag := outOfTheBlue(t, data())
		c := a.Next(t.Wait(), tester.Is(wire.ChunkAbort))
		if c == nil {
			t.Inconclusive("S does not answer DATA out of the blue")
		}
		t.Check(reflected(wire.ChunkAbort, tag).OK(c), "an ABORT with the same verification tag and the T bit", "%v with %#x, not %#x", c.Chunk, c.Packet.Header.Tag, tag)
	}},
}
