// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"iter"
	"slices"
)

const (
	// ChunkHeaderLen is the size of a chunk's type, flags and length.
	ChunkHeaderLen = 4

	// MaxLen is the largest length a chunk, parameter or cause can have: its
	// length field has 16 bits.
	MaxLen = 65535
)

// A Chunk is one chunk of a packet. Value and Raw are views into the packet.
type Chunk struct {
	Type  ChunkType
	Flags uint8
	Value []byte // what follows the chunk header, without the final padding
	Raw   []byte // header and Value
}

// NextChunk cuts the first chunk off b, which starts at a chunk header, and
// returns it and what follows its padding. It fails if b does not hold the
// whole chunk.
//
// RFC 9260, Section 6.10: "A partial chunk is a chunk that is not completely
// contained in the SCTP packet; i.e., the SCTP packet is too short to contain
// all the bytes of the chunk as indicated by the chunk length." The length
// does not count the padding, so a last chunk whose padding is missing is
// still whole, and is accepted.
func NextChunk(b []byte) (c Chunk, rest []byte, err error) {
	if len(b) < ChunkHeaderLen {
		return Chunk{}, nil, parseErrorf("chunk header", 0, "%d bytes left, want %d", len(b), ChunkHeaderLen)
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < ChunkHeaderLen || n > len(b) {
		return Chunk{}, nil, tlvLengthError(ChunkType(b[0]).String()+" chunk", n, len(b))
	}
	return Chunk{
		Type:  ChunkType(b[0]),
		Flags: b[1],
		Value: b[ChunkHeaderLen:n:n],
		Raw:   b[:n:n],
	}, b[min(padded(n), len(b)):], nil
}

// Chunks iterates over the chunks in b, which starts at a chunk header. After
// an error it stops.
func Chunks(b []byte) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for len(b) > 0 {
			c, rest, err := NextChunk(b)
			if !yield(c, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

// AppendChunk appends a chunk of any type with the given value, and its padding.
//
// RFC 9260, Section 3.2: "If the length of the chunk is not a multiple of 4
// bytes, the sender MUST pad the chunk with all zero bytes, and this padding
// is not included in the Chunk Length field."
func AppendChunk(b []byte, t ChunkType, flags uint8, value []byte) []byte {
	n := ChunkHeaderLen + len(value)
	b, p := grow(b, padded(n))
	putChunkHeader(p, t, flags, n)
	copy(p[ChunkHeaderLen:], value)
	clear(p[n:])
	return b
}

func putChunkHeader(p []byte, t ChunkType, flags uint8, n int) {
	p[0], p[1] = byte(t), flags
	binary.BigEndian.PutUint16(p[2:], uint16(min(n, MaxLen)))
}

// startChunk appends a chunk header whose length finish fills in.
func startChunk(b []byte, t ChunkType, flags uint8) []byte {
	return append(b, byte(t), flags, 0, 0)
}

// finish sets the length of the chunk, parameter or cause which starts at
// b[start] and ends with b, and pads it.
func finish(b []byte, start int) []byte {
	putLength(b, start)
	n := len(b) - start
	return append(b, zeros[:padded(n)-n]...)
}

// putLength sets the length of what starts at b[start] and ends with b.
func putLength(b []byte, start int) {
	binary.BigEndian.PutUint16(b[start+2:], uint16(min(len(b)-start, MaxLen)))
}

// padded rounds n up to a multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }

// grow extends b by n bytes of any content and returns it and the new part.
func grow(b []byte, n int) (all, tail []byte) {
	all = slices.Grow(b, n)[:len(b)+n]
	return all, all[len(b):]
}

//go:noinline
func tlvLengthError(what string, n, have int) error {
	if n < 4 {
		return parseErrorf(what, 2, "length is %d, want at least 4", n)
	}
	return parseErrorf(what, 2, "length is %d, but only %d bytes are left", n, have)
}
