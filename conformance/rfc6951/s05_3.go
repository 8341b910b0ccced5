// SPDX-License-Identifier: Apache-2.0

package rfc6951

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.3, Encapsulation Procedure.
var section5_3 = []conformance.Case{
	{ID: "6951/5.3/1", Run: func(t *conformance.T) {
		for _, p := range exchange(t, t.Dial(tester.Setup{})) {
			t.Check(p.Src.Port() == t.Target.EncapPort, "the encapsulation port as the UDP source port", "%v", p)
		}
	}},
	{ID: "6951/5.3/2", Run: func(t *conformance.T) {
		// Packets to another port do not arrive, but where S would send them by default they are seen if T has that port.
		a := t.NewEndpoint(tester.EndpointConfig{Ports: []uint16{0}}).Dial(tester.Setup{}, t.Target.Port)
		if a.Addr(0).Port() == defaultPort {
			t.Inconclusive("T got UDP port %d", defaultPort)
		}
		for _, p := range exchange(t, a) {
			t.Check(p.Dst == a.Addr(0), "packets to the UDP port that T sends from", "%v", p)
		}
	}},
	{ID: "6951/5.3/3", Run: func(t *conformance.T) {
		for _, p := range exchange(t, t.Establish(tester.Setup{})) {
			n := wire.HeaderLen
			for _, c := range p.Chunks {
				n += (4 + len(c.Value) + 3) &^ 3
			}
			t.Check(p.Err == nil && n == len(p.Data), "a UDP payload that is the SCTP packet, padded to four bytes", "%d bytes, of which %d are chunks with padding and the header: %v", len(p.Data), n, p)
		}
	}},
	{ID: "6951/5.3/4", Run: func(t *conformance.T) {
		for _, p := range exchange(t, t.Establish(tester.Setup{})) {
			t.Check(wire.ChecksumOK(p.Data), "the CRC32c of each packet", "%v", p)
		}
	}},
	{ID: "6951/5.3/5", Unobservable: "a UDP socket does not tell the checksum of a datagram"},
}

// defaultPort is the UDP port that the RFC assigns.
const defaultPort = 9899

// exchange lets S send chunks of several kinds and of odd lengths, and returns all packets from S.
func exchange(t *conformance.T, a *tester.Assoc) (packets []*tester.Packet) {
	for n := range 6 {
		a.Expect(beat(a, 9+n, tester.Out{}))
	}
	a.SendData(0, []byte("odd"))
	a.Expect(tester.Is(wire.ChunkSack))
	a.Send(wire.AppendChunk(nil, reported, 0, []byte{1}))
	a.Next(t.Quiet(), tester.Is(wire.ChunkError)) // one packet more, if S reports it
	for _, p := range t.Packets() {
		if p.In {
			packets = append(packets, p)
		}
	}
	return packets
}

// reported is a chunk type that nobody knows, and everybody reports (RFC 9260, Section 3.2: the highest bits are 11).
const reported wire.ChunkType = 0xfe

// beat sends a HEARTBEAT with n bytes of information.
func beat(a *tester.Assoc, n int, o tester.Out) tester.Match {
	info := make([]byte, n)
	for i := range info {
		info[i] = byte(n + i)
	}
	a.SendWith(o, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info))
	return tester.HeartbeatAck(info)
}
