// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// appendIForward appends an I-FORWARD-TSN chunk of what fits a room. RFC 8260,
// Section 2.3.1: "This field holds the largest Message Identifier for ordered or
// unordered messages indicated by the U bit that was skipped for the stream".
//
// Messages of one stream are sent one after the other, so that all below the
// largest has been sent by then, and arrived or been skipped.
func (k *packet) appendIForward(now time.Time, room int) {
	const headerLen, entryLen = wire.ChunkHeaderLen + 4, 8
	f, o := &k.a.forward, &k.a.out
	f.ichunk.Streams = f.ichunk.Streams[:0]
	if len(f.seen) < 2*k.a.outbound {
		f.seen = make([]uint16, 2*k.a.outbound)
	}
	tsn := o.cumAck.Add(1)
	for ; tsn.LessEq(o.advanced); tsn = tsn.Add(1) {
		m := o.at(tsn).msg
		seen := &f.seen[seenIndex(m.stream, m.unordered)]
		if *seen > 0 {
			f.ichunk.Streams[*seen-1].MID = m.mid
			continue
		}
		if headerLen+entryLen*(len(f.ichunk.Streams)+1) > room {
			break
		}
		f.ichunk.Streams = append(f.ichunk.Streams, wire.SkippedMessage{Stream: m.stream, Unordered: m.unordered, MID: m.mid})
		*seen = uint16(len(f.ichunk.Streams))
	}
	for _, s := range f.ichunk.Streams {
		f.seen[seenIndex(s.Stream, s.Unordered)] = 0
	}
	o.advanced = tsn.Add(^uint32(0))
	f.ichunk.NewCumTSN = o.advanced
	k.b = f.ichunk.Append(k.b)
	k.forwarded(now)
}

func seenIndex(stream uint16, unordered bool) int { return 2*int(stream) + unorderedIndex(unordered) }

// parseForward decodes either kind of chunk.
func (a *Association) parseForward(c wire.Chunk) (to wire.TSN, err error) {
	if c.Type == wire.ChunkIForwardTSN {
		err = wire.ParseIForwardTSN(c, &a.iforwardIn)
		return a.iforwardIn.NewCumTSN, err
	}
	err = wire.ParseForwardTSN(c, &a.forwardIn)
	return a.forwardIn.NewCumTSN, err
}

// skipMessages does what the chunk says of streams. It tells whether the association
// is still there.
func (a *Association) skipMessages(now time.Time, interleaved bool) (ok bool) {
	r := &a.reassembly
	if !interleaved {
		for _, s := range a.forwardIn.Streams {
			if int(s.Stream) < r.limit {
				if !a.admitsStream(now, s.Stream) {
					return false
				}
				r.skip(s.Stream, s.SSN)
			}
		}
		return true
	}
	for _, s := range a.iforwardIn.Streams {
		if int(s.Stream) >= r.limit || s.Unordered && r.knownInterleaved(s.Stream) == nil {
			continue
		}
		if !a.admitsStream(now, s.Stream) {
			return false
		}
		r.skipInterleaved(s.Stream, s.Unordered, s.MID)
	}
	return true
}

// wrongForwardChunk is why an association is aborted. RFC 8260, Section 2.3.1:
// "If I-FORWARD-TSN support has been negotiated for an association, the
// reception of a FORWARD-TSN chunk is a violation of the above rules and
// therefore the receiver of the FORWARD-TSN chunk MUST abort the association".
// "The same applies if I-FORWARD-TSN support has not been negotiated", and an
// I-FORWARD-TSN chunk is received: the text says FORWARD-TSN there, which cannot
// be meant.
func wrongForwardChunk(t wire.ChunkType) string {
	if t == wire.ChunkIForwardTSN {
		return "I-FORWARD-TSN chunk, which was not negotiated"
	}
	return "FORWARD TSN chunk, although I-DATA was negotiated"
}
