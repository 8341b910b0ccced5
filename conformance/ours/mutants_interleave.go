// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// iforwards changes the I-FORWARD-TSN chunks that S receives.
func iforwards(f func(*wire.IForwardTSN)) func() Middlebox {
	return arriving(wire.ChunkIForwardTSN, func(c wire.Chunk) []byte {
		var x wire.IForwardTSN
		if wire.ParseIForwardTSN(c, &x) != nil {
			return nil
		}
		f(&x)
		return x.Append(nil)
	})
}

// discarding drops the I-DATA chunks that S receives and pick chooses.
func discarding(pick func(c wire.Chunk, d wire.IData) bool) func() Middlebox {
	return arriving(wire.ChunkIData, func(c wire.Chunk) []byte {
		if d, err := wire.ParseIData(c); err != nil || pick(c, d) {
			return nil
		}
		return Same(c)
	})
}

// interleaveMutants break RFC 8260 in ways of their own.
var interleaveMutants = []Mutant{
	{Name: "I-DATA with reserved flags is dropped", Caught: []string{"8260/2.1/1"},
		New: discarding(func(c wire.Chunk, _ wire.IData) bool { return c.Flags&0xf0 != 0 })},
	{Name: "I-DATA with a reserved field that is not 0 is dropped", Caught: []string{"8260/2.1/1"},
		New: discarding(func(c wire.Chunk, _ wire.IData) bool { return c.Value[6] != 0 || c.Value[7] != 0 })},
	{Name: "I-DATA is sent to those who do not list it", Caught: []string{"8260/2.2.1/2"},
		New: outbound(wire.ChunkData, func(c wire.Chunk) []byte {
			d, err := wire.ParseData(c)
			if err != nil || d.Flags&wire.DataBegin == 0 || d.Flags&wire.DataEnd == 0 {
				return Same(c)
			}
			i := wire.IData{Flags: d.Flags, TSN: d.TSN, Stream: d.Stream, MID: wire.MID(d.SSN), PPID: d.PPID, Payload: d.Payload}
			return i.Append(nil)
		})},
	{Name: "I-DATA has no payload protocol identifier", Caught: []string{"8260/2.2.2/1"},
		New: idatas(outbound, func(d *wire.IData) { d.PPID = 0 })},
	{Name: "a message begins before the one before it on the stream ends", Caught: []string{"8260/2.2.2/2"},
		New: idatas(outbound, func(d *wire.IData) {
			switch {
			case d.MID == 0 && d.Flags&wire.DataEnd != 0:
				d.TSN++
			case d.MID == 1 && d.Flags&wire.DataBegin != 0:
				d.TSN--
			}
		})},
	{Name: "a fragment belongs to the message that began last", Caught: []string{"8260/2.2.3/1"},
		New: func() Middlebox {
			var last wire.IData
			return idatas(arriving, func(d *wire.IData) {
				if d.Flags&wire.DataBegin != 0 {
					last = *d
				}
				d.Stream, d.MID = last.Stream, last.MID
			})()
		}},
	{Name: "a message begins with its lowest TSN", Caught: []string{"8260/2.2.3/2"},
		New: func() Middlebox {
			begun := false
			return discarding(func(_ wire.Chunk, d wire.IData) bool {
				begun = begun || d.Flags&wire.DataBegin != 0
				return !begun
			})()
		}},
	{Name: "MIDs do not order messages", Caught: []string{"8260/2.2.3/3"},
		New: idatas(arriving, func(d *wire.IData) { d.Flags |= wire.DataUnordered })},
	{Name: "I-FORWARD-TSN releases no messages", Caught: []string{"8260/2.3.1/2"},
		New: iforwards(func(f *wire.IForwardTSN) { f.Streams = nil })},
	{Name: "I-FORWARD-TSN skips one TSN less", Caught: []string{"8260/2.3.1/2"},
		New: iforwards(func(f *wire.IForwardTSN) { f.NewCumTSN-- })},
}
