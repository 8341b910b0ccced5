// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"hash/adler32"
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// The checksums that are not the CRC32c of a packet.
var wrongSums = []func([]byte) uint32{
	func(b []byte) uint32 { return wire.Checksum(b) ^ 1 },
	func(b []byte) uint32 { // RFC 2960, in the order of the network
		z := slices.Clone(b)
		clear(z[8:12])
		s := adler32.Checksum(z)
		return s>>24 | s>>8&0xff00 | s<<8&0xff0000 | s<<24
	},
	func([]byte) uint32 { return 0 },
}

// Section 6.8, CRC32c Checksum Calculation.
var section6_8 = []conformance.Case{
	{ID: "9260/6.8/1", Run: func(t *conformance.T) {
		defer func() { // the handshake cannot succeed if it is wrong
			for _, p := range t.Packets() {
				t.Check(!p.In || len(p.Data) >= wire.HeaderLen && wire.ChecksumOK(p.Data), "the CRC32c of each packet", "%v", p)
			}
		}()
		a := t.Establish(tester.Setup{})
		a.ExpectSack(a.SendData(0, []byte("data")))
		a.ExpectAlive()
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/6.8/2", Run: func(t *conformance.T) {
		for _, sum := range wrongSums {
			a := t.Assoc(tester.Setup{})
			a.SendWith(tester.Out{Tag: tester.Ptr(uint32(0)), Checksum: sum}, a.InitChunk(wire.ChunkInit))
			a.ExpectSilence()
		}
		t.Dial(tester.Setup{}) // S is there
	}},
	{ID: "9260/6.8/3", Run: func(t *conformance.T) {
		a := warm(t, tester.Setup{})
		tsn := a.NextTSN
		wrong := tester.Out{Checksum: wrongSums[0]}
		a.SendWith(wrong, quietChunk(a, 0))
		a.SendWith(wrong, wire.AppendAbort(nil, false, nil))
		a.ExpectSilence()
		a.ExpectAlive()
		a.ExpectNone(sackCovering(a, tsn))
	}},
}
