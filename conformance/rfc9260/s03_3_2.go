// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.2, Initiation (INIT), and its subsections.
var section3_3_2 = []conformance.Case{
	{ID: "9260/3.3.2/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		a.ExpectInitAck()
	}},
	{ID: "9260/3.3.2/2", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Change: func(in *wire.Init) { in.InitiateTag = 0 }})
		n := mark(t)
		a.SendInit()
		noneSince(t, n, tester.Any())
		serves(t)
	}},
	{ID: "9260/3.3.2/3", Run: discarded(func(in *wire.Init) { in.ARwnd = 1499 })},
	{ID: "9260/3.3.2/4", Run: refused(func(in *wire.Init) { in.ARwnd = 0 })},
	{ID: "9260/3.3.2/5", Run: discarded(func(in *wire.Init) { in.OutboundStreams = 0 })},
	{ID: "9260/3.3.2/6", Run: refused(func(in *wire.Init) { in.OutboundStreams = 0 })},
	{ID: "9260/3.3.2/7", Run: discarded(func(in *wire.Init) { in.InboundStreams = 0 })},
	{ID: "9260/3.3.2/8", Run: refused(func(in *wire.Init) { in.InboundStreams = 0 })},
	{ID: "9260/3.3.2/9", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		for _, change := range []func(*wire.Init){
			func(in *wire.Init) { in.OutboundStreams = 0 },
			func(in *wire.Init) { in.InboundStreams = 0 },
			func(in *wire.Init) { in.ARwnd = 100 },
		} {
			a.Restart(tester.Setup{Change: change}).SendInit()
			a.ExpectAlive()
		}
	}},
	{ID: "9260/3.3.2/10", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		in := a.InitOf(c)
		t.Check(in.ARwnd >= 1500, "an INIT with an a_rwnd of 1500 or more", "%d", in.ARwnd)
	}},
	{ID: "9260/3.3.2/11", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		in := a.InitOf(c)
		t.Check(in.OutboundStreams != 0 && in.InboundStreams != 0, "an INIT with numbers of streams that are not 0", "OS %d, MIS %d", in.OutboundStreams, in.InboundStreams)
	}},
	{ID: "9260/3.3.2/12", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		t.Check(!hasParam(a, c, wire.ParamHostName), "an INIT without Host Name Address", "%v", c.Packet)
	}},
	{ID: "9260/3.3.2/13", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		seen := map[wire.ParamType]bool{}
		for _, p := range tester.InitParams(a.InitOf(c)) {
			t.Check(!seen[p.Type] || p.Type == wire.ParamIPv4 || p.Type == wire.ParamIPv6, "each parameter once", "%v twice in %v", p.Type, c.Packet)
			seen[p.Type] = true
		}
	}},
	{ID: "9260/3.3.2/14", Run: func(t *conformance.T) {
		_, c := calledBy(t, tester.Setup{})
		t.Check(c.Flags == 0, "an INIT with Chunk Flags 0", "%#02x", c.Flags)
	}},
	{ID: "9260/3.3.2/15", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		b := a.InitChunk(wire.ChunkInit)
		b[1] = 0xff
		a.SendTag(0, b)
		a.ExpectInitAck()
	}},

	{ID: "9260/3.3.2.1.2/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		for _, p := range tester.InitParams(a.InitOf(a.ExpectInitAck())) {
			if p.Type != wire.ParamIPv6 {
				continue
			}
			ip, err := p.Address()
			t.Check(err == nil && !ip.Is4In6(), "IPv6 Address parameters without IPv4-mapped addresses", "%v (%v)", ip, err)
		}
	}},
	{ID: "9260/3.3.2.1.4/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Params: hostName})
		n := mark(t)
		a.SendInit()
		a.Expect(tagged(tester.Is(wire.ChunkAbort), a.Tag))
		noneSince(t, n, tester.Is(wire.ChunkInitAck))
	}},
	{ID: "9260/3.3.2.1.4/2", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{Params: hostName})
		n := mark(t)
		tag := a.PeerTag
		a.SendInitAck()
		a.Expect(tester.Is(wire.ChunkAbort).Where("that the tester would take", func(c *tester.Chunk) bool {
			return c.Packet.Header.Tag == a.Tag || c.Flags&1 != 0 && c.Packet.Header.Tag == tag
		}))
		noneSince(t, n, tester.Is(wire.ChunkCookieEcho))
	}},
	{ID: "9260/3.3.2.1.5/1", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		for _, p := range tester.InitParams(a.InitOf(c)) {
			if p.Type != wire.ParamSupportedAddressTypes {
				continue
			}
			types, err := p.SupportedAddressTypes(nil)
			t.Check(err == nil, "a well-formed Supported Address Types parameter", "%v", err)
			for _, x := range types {
				t.Check(x != wire.ParamHostName, "Supported Address Types without Host Name Address", "%v", types)
			}
		}
	}},
	{ID: "9260/3.3.2.1.5/2", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.Setup.Params = wire.AppendSupportedAddressTypes(nil, wire.ParamHostName, family(a, true))
		a.SendInit()
		a.ExpectInitAck()
	}},
}

// hostName is a Host Name Address parameter.
var hostName = wire.AppendParam(nil, wire.ParamHostName, []byte("sut-peer.example\x00"))

// discarded sends a wrong INIT, and checks that no INIT ACK comes.
func discarded(change func(*wire.Init)) func(*conformance.T) {
	return func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Change: change})
		n := mark(t)
		a.SendInit()
		noneSince(t, n, tester.Is(wire.ChunkInitAck))
		serves(t)
	}
}

// refused sends a wrong INIT, and waits for the ABORT with its Initiate Tag.
func refused(change func(*wire.Init)) func(*conformance.T) {
	return func(t *conformance.T) {
		a := t.Assoc(tester.Setup{Change: change})
		a.SendInit()
		a.Expect(tagged(tester.Is(wire.ChunkAbort), a.Tag))
	}
}

// hasParam reports whether an INIT or INIT ACK has a parameter.
func hasParam(a *tester.Assoc, c *tester.Chunk, want wire.ParamType) bool {
	for _, p := range tester.InitParams(a.InitOf(c)) {
		if p.Type == want {
			return true
		}
	}
	return false
}

// family is the parameter type of the tester's address, or that of the other family.
func family(a *tester.Assoc, own bool) wire.ParamType {
	if a.Addr(0).Addr().Unmap().Is4() == own {
		return wire.ParamIPv4
	}
	return wire.ParamIPv6
}
