// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"slices"
)

// SackHeaderLen is the size of a SACK chunk without gap ack blocks and
// duplicate TSNs, each of which adds 4 bytes.
const SackHeaderLen = 16

// A GapAckBlock says that the TSNs from cumulative TSN ack + Start to
// cumulative TSN ack + End, both included, have been received.
type GapAckBlock struct{ Start, End uint16 }

// A Sack is a SACK chunk, RFC 9260, Section 3.3.4.
type Sack struct {
	CumTSNAck TSN
	ARwnd     uint32 // advertised receiver window credit, in bytes
	Gaps      []GapAckBlock
	Dups      []TSN // each TSN as often as it was received again
}

// Append appends the chunk. The caller keeps it within the path's PMTU, and
// so far below the 65535 blocks the count fields can express.
func (s *Sack) Append(b []byte) []byte {
	n := SackHeaderLen + 4*len(s.Gaps) + 4*len(s.Dups)
	b, p := grow(b, n)
	putChunkHeader(p, ChunkSack, 0, n)
	binary.BigEndian.PutUint32(p[4:], uint32(s.CumTSNAck))
	binary.BigEndian.PutUint32(p[8:], s.ARwnd)
	binary.BigEndian.PutUint16(p[12:], uint16(len(s.Gaps)))
	binary.BigEndian.PutUint16(p[14:], uint16(len(s.Dups)))
	p = p[SackHeaderLen:]
	for _, g := range s.Gaps {
		binary.BigEndian.PutUint32(p, uint32(g.Start)<<16|uint32(g.End))
		p = p[4:]
	}
	for _, t := range s.Dups {
		binary.BigEndian.PutUint32(p, uint32(t))
		p = p[4:]
	}
	return b
}

// ParseSack decodes a SACK chunk into s, whose slices it reuses: nothing is
// kept of c. It checks that the chunk has exactly the announced numbers of
// gap ack blocks and duplicate TSNs, not what is in them. After an error s is
// unchanged.
func ParseSack(c Chunk, s *Sack) error {
	if c.Type != ChunkSack {
		return typeError("SACK chunk", c.Type)
	}
	v := c.Value
	if len(v) < SackHeaderLen-ChunkHeaderLen {
		return lengthError("SACK chunk", len(c.Raw), "at least 16")
	}
	gaps, dups := int(binary.BigEndian.Uint16(v[8:])), int(binary.BigEndian.Uint16(v[10:]))
	if want := SackHeaderLen + 4*gaps + 4*dups; want != ChunkHeaderLen+len(v) {
		return parseErrorf("SACK chunk", 12, "%d gap ack blocks and %d duplicate TSNs make %d bytes, but the length is %d",
			gaps, dups, want, len(c.Raw))
	}
	s.CumTSNAck = TSN(binary.BigEndian.Uint32(v[0:]))
	s.ARwnd = binary.BigEndian.Uint32(v[4:])
	v = v[12:]
	s.Gaps = slices.Grow(s.Gaps[:0], gaps)[:gaps]
	for i := range s.Gaps {
		x := binary.BigEndian.Uint32(v)
		s.Gaps[i] = GapAckBlock{Start: uint16(x >> 16), End: uint16(x)}
		v = v[4:]
	}
	s.Dups = slices.Grow(s.Dups[:0], dups)[:dups]
	for i := range s.Dups {
		s.Dups[i] = TSN(binary.BigEndian.Uint32(v))
		v = v[4:]
	}
	return nil
}
