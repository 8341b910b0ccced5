// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"slices"
)

// A SkippedStream says that ordered messages of a stream up to SSN are skipped.
type SkippedStream struct {
	Stream uint16
	SSN    SSN
}

// A ForwardTSN is a FORWARD TSN chunk, RFC 3758, Section 3.2.
type ForwardTSN struct {
	NewCumTSN TSN
	Streams   []SkippedStream
}

// Append appends the chunk.
func (f *ForwardTSN) Append(b []byte) []byte {
	start := len(b)
	b = startChunk(b, ChunkForwardTSN, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(f.NewCumTSN))
	for _, s := range f.Streams {
		b = binary.BigEndian.AppendUint16(b, s.Stream)
		b = binary.BigEndian.AppendUint16(b, uint16(s.SSN))
	}
	return finish(b, start)
}

// ParseForwardTSN decodes a FORWARD TSN chunk into f, whose slice it reuses.
// After an error f is unchanged.
func ParseForwardTSN(c Chunk, f *ForwardTSN) error {
	if c.Type != ChunkForwardTSN {
		return typeError("FORWARD TSN chunk", c.Type)
	}
	v := c.Value
	if len(v) < 4 || len(v)%4 != 0 {
		return lengthError("FORWARD TSN chunk", len(c.Raw), "8 + 4 * n")
	}
	f.NewCumTSN = TSN(binary.BigEndian.Uint32(v))
	v = v[4:]
	f.Streams = slices.Grow(f.Streams[:0], len(v)/4)
	for ; len(v) > 0; v = v[4:] {
		f.Streams = append(f.Streams, SkippedStream{
			Stream: binary.BigEndian.Uint16(v),
			SSN:    SSN(binary.BigEndian.Uint16(v[2:])),
		})
	}
	return nil
}

// AppendForwardTSNSupported appends a Forward-TSN-Supported parameter, RFC
// 3758, Section 3.1.
func AppendForwardTSNSupported(b []byte) []byte { return AppendParam(b, ParamForwardTSN, nil) }

// A SkippedMessage says that the ordered, or the unordered, messages of a
// stream up to MID are skipped.
type SkippedMessage struct {
	Stream    uint16
	Unordered bool
	MID       MID
}

// An IForwardTSN is an I-FORWARD-TSN chunk, RFC 8260, Section 2.3.1.
type IForwardTSN struct {
	NewCumTSN TSN
	Streams   []SkippedMessage
}

// Append appends the chunk.
func (f *IForwardTSN) Append(b []byte) []byte {
	start := len(b)
	b = startChunk(b, ChunkIForwardTSN, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(f.NewCumTSN))
	for _, s := range f.Streams {
		b = binary.BigEndian.AppendUint16(b, s.Stream)
		var u byte
		if s.Unordered {
			u = 1
		}
		b = append(b, 0, u)
		b = binary.BigEndian.AppendUint32(b, uint32(s.MID))
	}
	return finish(b, start)
}

// ParseIForwardTSN decodes an I-FORWARD-TSN chunk into f, whose slice it
// reuses. After an error f is unchanged.
func ParseIForwardTSN(c Chunk, f *IForwardTSN) error {
	if c.Type != ChunkIForwardTSN {
		return typeError("I-FORWARD-TSN chunk", c.Type)
	}
	v := c.Value
	if len(v) < 4 || len(v)%8 != 4 {
		return lengthError("I-FORWARD-TSN chunk", len(c.Raw), "8 + 8 * n")
	}
	f.NewCumTSN = TSN(binary.BigEndian.Uint32(v))
	v = v[4:]
	f.Streams = slices.Grow(f.Streams[:0], len(v)/8)
	for ; len(v) > 0; v = v[8:] {
		f.Streams = append(f.Streams, SkippedMessage{
			Stream:    binary.BigEndian.Uint16(v),
			Unordered: v[3]&1 != 0,
			MID:       MID(binary.BigEndian.Uint32(v[4:])),
		})
	}
	return nil
}
