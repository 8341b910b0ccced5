// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.2, Chunk Field Descriptions, and its subsections.
var section3_2 = []conformance.Case{
	{ID: "9260/3.2/1", Run: unknownChunk(chunk00, false, false)},
	{ID: "9260/3.2/2", Run: unknownChunk(chunk01, true, false)},
	{ID: "9260/3.2/3", Run: unknownChunk(chunk10, false, true)},
	{ID: "9260/3.2/4", Run: unknownChunk(chunk11, true, true)},
	{ID: "9260/3.2/5", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		a.Send(heartbeat(0, []byte("before it"), 0), wire.AppendChunk(nil, chunk00, 0, []byte("what")), heartbeat(0, []byte("behind it"), 0))
		a.Expect(tester.HeartbeatAck([]byte("before it")))
		noneSince(t, n, tester.HeartbeatAck([]byte("behind it")))
	}},
	{ID: "9260/3.2/6", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(heartbeat(0xff, []byte("all flags"), 0))
		a.Expect(tester.HeartbeatAck([]byte("all flags")))
	}},
	{ID: "9260/3.2/7", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.ExpectAlive()
		a.ExpectSack(a.SendData(0, []byte("data")))
		t.Sleep(t.Quiet())
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
		none := tester.Is(wire.ChunkCookieAck, wire.ChunkCookieEcho, wire.ChunkSack, wire.ChunkHeartbeat, wire.ChunkHeartbeatAck, wire.ChunkShutdownAck)
		for _, c := range since(t, 0) {
			t.Check(!none.OK(c) || c.Flags == 0, c.Type.String()+" with Chunk Flags 0", "%#02x in %v", c.Flags, c.Packet)
		}
	}},
	{ID: "9260/3.2/8", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Params: wire.AppendParam(nil, param10, []byte("1"))})
		b := a.InitChunk(wire.ChunkInit)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		a.SendTag(0, b)
		a.ExpectInitAck()
	}},
	{ID: "9260/3.2/9", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(heartbeat(0, []byte("12345"), 0))
		c := a.Expect(tester.Is(wire.ChunkHeartbeatAck))
		t.Check(len(c.Raw) == 13, "Chunk Length 13", "%d", len(c.Raw))
		t.Check(bytes.Equal(padding(c), make([]byte, 3)), "three bytes of padding, all 0", "%x", padding(c))
	}},
	{ID: "9260/3.2/10", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(heartbeat(0, []byte("12345"), 0xa5))
		a.Expect(tester.HeartbeatAck([]byte("12345")))
	}},

	{ID: "9260/3.2.1/1", Run: unknownParams(param00, param11)},
	{ID: "9260/3.2.1/2", Run: unknownParams(param10, param11, param11)},
	{ID: "9260/3.2.1/3", Run: quietParams(param00, param11)},
	{ID: "9260/3.2.1/4", Run: quietParams(param10)},
	{ID: "9260/3.2.1/5", Run: func(t *conformance.T) {
		first := wire.AppendParam(nil, param10, []byte("1"))
		copy(first[5:], []byte{0xa5, 0xa5, 0xa5})
		second := paramOf(param11)
		a := t.Assoc(tester.Setup{Params: append(first, second...)})
		a.SendInit()
		got := unrecognized(a, a.ExpectInitAck())
		t.Check(len(got) == 1 && bytes.Equal(got[0], second), "the second parameter as Unrecognized Parameter, and no other", "%x", got)
	}},
	{ID: "9260/3.2.1/6", Run: func(t *conformance.T) {
		for n := 1; n <= 3; n++ {
			unknown := wire.AppendParam(nil, param11, []byte("123")[:n])
			a := t.Assoc(tester.Setup{Params: unknown})
			a.SendInit()
			c := a.ExpectInitAck()
			got := unrecognized(a, c)
			t.Check(len(got) == 1 && bytes.Equal(got[0], unknown[:4+n]),
				"the parameter as Unrecognized Parameter, its padding not counted", "%x", got)
			checkParams(t, c)
		}
	}},

	{ID: "9260/3.2.2/1", Run: unknownParams(param01, param11, param01)},
	{ID: "9260/3.2.2/2", Run: unknownParams(param11, param11+1, param11, param11+1)},
	{ID: "9260/3.2.2/3", Run: reportedParams(param01)},
	{ID: "9260/3.2.2/4", Run: reportedParams(param11, param11+1)},
	{ID: "9260/3.2.2/5", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Params: paramOf(param11)})
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkCookieEcho))
		t.Check(c.Index == 0, "COOKIE ECHO as the first chunk of its packet", "%v", c.Packet)
	}},
}

// unknownChunk sends an unknown chunk and a HEARTBEAT in one packet, and checks whether S reports the one and goes on to
// the other.
func unknownChunk(u wire.ChunkType, reported, goesOn bool) func(*conformance.T) {
	return func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		unknown := wire.AppendChunk(nil, u, 0, []byte("what"))
		info := []byte("behind it")
		a.Send(unknown, heartbeat(0, info, 0))
		if reported {
			x := tester.CauseOf(a.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseUnrecognizedChunk)), wire.CauseUnrecognizedChunk)
			t.Check(bytes.Equal(x.Value, unknown), "the whole unknown chunk in the cause", "%x, not %x", x.Value, unknown)
		} else {
			noneSince(t, n, tester.Is(wire.ChunkError))
		}
		if goesOn {
			expectSince(t, n, tester.HeartbeatAck(info))
		} else {
			noneSince(t, n, tester.HeartbeatAck(info))
		}
		a.ExpectAlive()
	}
}

// paramOf is a parameter of a type, with four bytes.
func paramOf(p wire.ParamType) []byte { return wire.AppendParam(nil, p, []byte("what")) }

// unknownParams sends an INIT with two unknown parameters, and checks that the INIT ACK returns those of the given types.
func unknownParams(first, second wire.ParamType, reported ...wire.ParamType) func(*conformance.T) {
	return func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Params: append(paramOf(first), paramOf(second)...)})
		a.SendInit()
		got := unrecognized(a, a.ExpectInitAck())
		ok := len(got) == len(reported)
		for _, p := range reported {
			ok = ok && slices.ContainsFunc(got, func(v []byte) bool { return bytes.Equal(v, paramOf(p)) })
		}
		t.Check(ok, "an INIT ACK with the right Unrecognized Parameters, each with a whole parameter", "%x", got)
	}
}

// quietParams answers S's INIT with unknown parameters, and checks that S goes on and reports none of them.
func quietParams(types ...wire.ParamType) func(*conformance.T) {
	return func(t *conformance.T) {
		var params []byte
		for _, p := range types {
			params = append(params, paramOf(p)...)
		}
		a := called(t, tester.Setup{Params: params})
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkCookieEcho))
		t.Check(bytes.Equal(c.Value, a.Setup.Cookie), "COOKIE ECHO with the cookie", "%x", c.Value)
		up(a)
		noneSince(t, 0, tester.Is(wire.ChunkError).Cause(wire.CauseUnrecognizedParams))
	}
}

// reportedParams answers S's INIT with unknown parameters, and checks that the packet of the COOKIE ECHO reports them.
func reportedParams(types ...wire.ParamType) func(*conformance.T) {
	return func(t *conformance.T) {
		var params []byte
		for _, p := range types {
			params = append(params, paramOf(p)...)
		}
		a := called(t, tester.Setup{Params: params})
		a.SendInitAck()
		c := a.Expect(tester.Is(wire.ChunkCookieEcho))
		for _, p := range types {
			t.Check(bytes.Contains(reportedWith(c), paramOf(p)), "COOKIE ECHO with an ERROR that holds the unknown parameters", "%v", c.Packet)
		}
	}
}

// checkParams walks the parameters of an INIT ACK: each is padded to four bytes with zeros, the last one too.
func checkParams(t *conformance.T, initAck *tester.Chunk) {
	b := initAck.Raw[20:]
	for len(b) > 0 {
		n := 0
		if len(b) >= wire.ParamHeaderLen {
			n = int(binary.BigEndian.Uint16(b[2:]))
		}
		t.Check(n >= wire.ParamHeaderLen && n <= len(b), "parameters of the length they say", "%x", b)
		end := min((n+3)&^3, len(b))
		t.Check(len(bytes.Trim(b[n:end], "\x00")) == 0, "padding of zeros", "%x", b[n:end])
		b = b[end:]
	}
	t.Check(len(initAck.Packet.Data)%4 == 0, "a packet of whole words", "%d bytes", len(initAck.Packet.Data))
}
