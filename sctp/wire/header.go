// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// HeaderLen is the size of the SCTP common header in bytes.
const HeaderLen = 12

// A Header is the SCTP common header, RFC 9260, Section 3.1.
type Header struct {
	SrcPort, DstPort uint16
	Tag              uint32 // verification tag
	Checksum         uint32 // CRC32c; see SetChecksum
}

// Append appends the 12 bytes of the header. It writes h.Checksum as it is:
// usually 0, to be filled in by SetChecksum once the packet is complete.
func (h *Header) Append(b []byte) []byte {
	b, p := grow(b, HeaderLen)
	binary.BigEndian.PutUint16(p[0:], h.SrcPort)
	binary.BigEndian.PutUint16(p[2:], h.DstPort)
	binary.BigEndian.PutUint32(p[4:], h.Tag)
	binary.LittleEndian.PutUint32(p[8:], h.Checksum)
	return b
}

// ParseHeader decodes the common header at the start of packet p. It does not
// look at what follows, nor verify the checksum.
func ParseHeader(p []byte) (Header, error) {
	if len(p) < HeaderLen {
		return Header{}, parseErrorf("common header", 0, "packet has %d bytes, want at least %d", len(p), HeaderLen)
	}
	return Header{
		SrcPort:  binary.BigEndian.Uint16(p[0:]),
		DstPort:  binary.BigEndian.Uint16(p[2:]),
		Tag:      binary.BigEndian.Uint32(p[4:]),
		Checksum: binary.LittleEndian.Uint32(p[8:]),
	}, nil
}
