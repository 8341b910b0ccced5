// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// ShutdownLen is the size of a SHUTDOWN chunk.
const ShutdownLen = 8

// AppendShutdown appends a SHUTDOWN chunk, RFC 9260, Section 3.3.8. cum is the
// last TSN received in sequence.
func AppendShutdown(b []byte, cum TSN) []byte {
	return appendUint32Chunk(b, ChunkShutdown, uint32(cum))
}

// ParseShutdown decodes a SHUTDOWN chunk.
func ParseShutdown(c Chunk) (cum TSN, err error) {
	x, err := parseUint32Chunk(c, ChunkShutdown)
	return TSN(x), err
}

// AppendShutdownAck appends a SHUTDOWN ACK chunk, RFC 9260, Section 3.3.9.
func AppendShutdownAck(b []byte) []byte { return AppendChunk(b, ChunkShutdownAck, 0, nil) }

// ParseShutdownAck checks a SHUTDOWN ACK chunk.
func ParseShutdownAck(c Chunk) error { return parseEmptyChunk(c, ChunkShutdownAck) }

// AppendShutdownComplete appends a SHUTDOWN COMPLETE chunk, RFC 9260,
// Section 3.3.13. reflected sets the T bit (see FlagT).
func AppendShutdownComplete(b []byte, reflected bool) []byte {
	return AppendChunk(b, ChunkShutdownComplete, flagT(reflected), nil)
}

// ParseShutdownComplete decodes a SHUTDOWN COMPLETE chunk. reflected is its T bit.
func ParseShutdownComplete(c Chunk) (reflected bool, err error) {
	return c.Flags&FlagT != 0, parseEmptyChunk(c, ChunkShutdownComplete)
}

func flagT(reflected bool) uint8 {
	if reflected {
		return FlagT
	}
	return 0
}

// parseEmptyChunk decodes a chunk whose RFC says "Length = 4".
func parseEmptyChunk(c Chunk, t ChunkType) error {
	if c.Type != t {
		return typeError(t.String()+" chunk", c.Type)
	}
	if len(c.Value) != 0 {
		return lengthError(t.String()+" chunk", len(c.Raw), "4")
	}
	return nil
}

// appendUint32Chunk appends a chunk which holds one number.
func appendUint32Chunk(b []byte, t ChunkType, x uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(t), 0, 0, 8), x)
}

// parseUint32Chunk decodes a chunk whose RFC says "Length = 8".
func parseUint32Chunk(c Chunk, t ChunkType) (uint32, error) {
	if c.Type != t {
		return 0, typeError(t.String()+" chunk", c.Type)
	}
	if len(c.Value) != 4 {
		return 0, lengthError(t.String()+" chunk", len(c.Raw), "8")
	}
	return binary.BigEndian.Uint32(c.Value), nil
}
