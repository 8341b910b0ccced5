// SPDX-License-Identifier: Apache-2.0

package wire

// AppendCookieEcho appends a COOKIE ECHO chunk, RFC 9260, Section 3.3.11, and
// its padding. cookie is the value of the State Cookie parameter received.
func AppendCookieEcho(b, cookie []byte) []byte { return AppendChunk(b, ChunkCookieEcho, 0, cookie) }

// ParseCookieEcho decodes a COOKIE ECHO chunk. The cookie is a view; its
// format and authenticity are its maker's business.
func ParseCookieEcho(c Chunk) (cookie []byte, err error) {
	if c.Type != ChunkCookieEcho {
		return nil, typeError("COOKIE ECHO chunk", c.Type)
	}
	return c.Value, nil
}

// AppendCookieAck appends a COOKIE ACK chunk, RFC 9260, Section 3.3.12.
func AppendCookieAck(b []byte) []byte { return AppendChunk(b, ChunkCookieAck, 0, nil) }

// ParseCookieAck checks a COOKIE ACK chunk.
func ParseCookieAck(c Chunk) error { return parseEmptyChunk(c, ChunkCookieAck) }
