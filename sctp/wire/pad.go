// SPDX-License-Identifier: Apache-2.0

package wire

// AppendPad appends a PAD chunk of n bytes in total, header included, RFC
// 4820, Section 3. n is rounded down to a multiple of 4, and raised to 4.
//
// RFC 4820, Section 3: "A PAD chunk can be used to enlarge the packet by 4 to
// 65536 bytes in steps of 4 bytes." The largest here is 65532.
func AppendPad(b []byte, n int) []byte {
	n = min(max(n&^3, ChunkHeaderLen), MaxLen&^3)
	b, p := grow(b, n)
	clear(p)
	putChunkHeader(p, ChunkPad, 0, n)
	return b
}

// ParsePad checks the type of a PAD chunk. "The Padding Data MUST be ignored
// by the receiver" (RFC 4820, Section 3).
func ParsePad(c Chunk) error {
	if c.Type != ChunkPad {
		return typeError("PAD chunk", c.Type)
	}
	return nil
}

// AppendPadding appends a Padding parameter of n bytes in total, for an INIT
// chunk, RFC 4820, Section 4. n is rounded down to a multiple of 4, and raised
// to 4.
func AppendPadding(b []byte, n int) []byte {
	n = min(max(n&^3, ParamHeaderLen), MaxLen&^3)
	start := len(b)
	b, p := grow(b, n)
	clear(p)
	p[0], p[1] = byte(ParamPadding>>8), byte(ParamPadding&0xff)
	putLength(b, start)
	return b
}
