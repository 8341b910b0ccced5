// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// together is an association of some of T's addresses with a system that speaks ASCONF. S has sent HEARTBEATs to all but the
// first, which were answered.
func together(t *conformance.T, addrs ...int) *tester.Assoc {
	s := addIP()
	if len(addrs) > 1 {
		if t.Target.Port != 0 { // who does not know ASCONF may not know addresses
			a := t.Assoc(s)
			a.SendInit()
			a.ExpectInitAck()
			t.NeedAddIP(a)
		}
		s.ListAddrs = addrs
	}
	a := t.Establish(s)
	t.NeedAddIP(a)
	for _, i := range addrs {
		confirmed(t, a, i)
	}
	t.Sleep(100 * time.Millisecond)
	a.Drain()
	return a
}

// confirmed waits until S has sent a HEARTBEAT to one of T's addresses, which T answers.
func confirmed(t *conformance.T, a *tester.Assoc, i int) {
	if i != a.From && !probed(t, i, time.Time{}) {
		t.Inconclusive("S does not confirm address %d", i+1)
	}
}

// probed waits for a HEARTBEAT to one of T's addresses after a time.
func probed(t *conformance.T, i int, after time.Time) bool {
	beaten := func() bool {
		return slices.ContainsFunc(to(t, i, after), func(p *tester.Packet) bool { return p.Has(wire.ChunkHeartbeat) != nil })
	}
	t.Until(20*time.Second, beaten)
	return beaten()
}

// asconf is T's n-th ASCONF chunk, with its first address.
func asconf(a *tester.Assoc, n int, params ...[]byte) []byte {
	c := wire.Asconf{Seq: wire.Seq(a.Setup.TSN) + wire.Seq(n), Address: a.Addr(0).Addr()}
	for _, p := range params {
		c.Params = append(c.Params, p...)
	}
	return c.Append(nil)
}

// acked waits for the ASCONF-ACK of T's n-th ASCONF.
func acked(a *tester.Assoc, n int) (ack *tester.Chunk, responses []wire.AsconfResponse) {
	seq := wire.Seq(a.Setup.TSN) + wire.Seq(n)
	ack = a.Expect(tester.Is(wire.ChunkAsconfAck).Where("with the Sequence Number of the ASCONF", func(c *tester.Chunk) bool {
		x, err := wire.ParseAsconfAck(c.Chunk)
		return err == nil && x.Seq == seq
	}))
	x, _ := wire.ParseAsconfAck(ack.Chunk)
	for p, err := range wire.Params(x.Params) {
		if err != nil {
			break
		}
		if r, err := p.AsconfResponse(); err == nil {
			responses = append(responses, r)
		}
	}
	return ack, responses
}

// done is acked without an error.
func done(t *conformance.T, a *tester.Assoc, n int) *tester.Chunk {
	ack, responses := acked(a, n)
	for _, r := range responses {
		t.Check(len(r.Causes) == 0, "an ASCONF-ACK without an error", "%v", ack.Packet)
	}
	return ack
}

// refused is acked with a cause, which it returns.
func refused(t *conformance.T, a *tester.Assoc, n int, code wire.CauseCode) wire.Cause {
	ack, responses := acked(a, n)
	for _, r := range responses {
		for c, err := range wire.Causes(r.Causes) {
			if err == nil && c.Code == code {
				return c
			}
		}
	}
	t.Fail("an ASCONF-ACK with cause "+code.String(), "%v", ack.Packet)
	return wire.Cause{}
}

// told waits for an ASCONF of S.
func told(a *tester.Assoc) (*tester.Chunk, wire.Asconf) {
	c := a.Expect(tester.Is(wire.ChunkAsconf))
	x, err := wire.ParseAsconf(c.Chunk)
	if err != nil {
		a.Tester().Note("%v", err)
	}
	return c, x
}

// answer accepts an ASCONF of S.
func answer(a *tester.Assoc, seq wire.Seq) {
	ack := wire.AsconfAck{Seq: seq}
	a.Send(ack.Append(nil))
}

// to returns the packets that S has sent to one of T's addresses after a time.
func to(t *conformance.T, local int, after time.Time) (packets []*tester.Packet) {
	for _, p := range t.Packets() {
		if p.In && p.Local == local && p.Time.After(after) {
			packets = append(packets, p)
		}
	}
	return packets
}

var anywhere = netip.IPv4Unspecified()
