// SPDX-License-Identifier: Apache-2.0

package wire

// The ECN chunks as RFC 2960, Appendix A defines them. RFC 9260 reserves
// their types "for future use of Explicit Congestion Notification".

// AppendECNE appends an ECNE chunk. lowest is the lowest TSN in the packet
// that was marked.
func AppendECNE(b []byte, lowest TSN) []byte { return appendUint32Chunk(b, ChunkECNE, uint32(lowest)) }

// ParseECNE decodes an ECNE chunk.
func ParseECNE(c Chunk) (lowest TSN, err error) {
	x, err := parseUint32Chunk(c, ChunkECNE)
	return TSN(x), err
}

// AppendCWR appends a CWR chunk. lowest is the TSN of the ECNE it answers.
func AppendCWR(b []byte, lowest TSN) []byte { return appendUint32Chunk(b, ChunkCWR, uint32(lowest)) }

// ParseCWR decodes a CWR chunk.
func ParseCWR(c Chunk) (lowest TSN, err error) {
	x, err := parseUint32Chunk(c, ChunkCWR)
	return TSN(x), err
}

// AppendECNCapable appends an ECN Capable parameter.
func AppendECNCapable(b []byte) []byte { return AppendParam(b, ParamECNCapable, nil) }
