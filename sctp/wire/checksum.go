// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"hash/crc32"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	zeros      [4]byte
)

// Checksum returns the CRC32c of packet p, with its checksum field taken as
// zero: the value of Header.Checksum for it. p must hold at least the common
// header and is not modified.
func Checksum(p []byte) uint32 {
	c := crc32.Update(0, castagnoli, p[:8])
	c = crc32.Update(c, castagnoli, zeros[:])
	return crc32.Update(c, castagnoli, p[HeaderLen:])
}

// SetChecksum computes the CRC32c of packet p and stores it in the common
// header. p must hold at least the common header.
//
// RFC 9260, Section 6.8: "2) calculate the CRC32c checksum of the whole packet,
// including the SCTP common header and all the chunks (refer to Appendix A for
// details of the CRC32c algorithm), and 3) put the resultant value into the
// checksum field in the common header and leave the rest of the bits
// unchanged." Appendix A puts the least significant byte of the CRC first, so
// the field is written in little-endian order.
func SetChecksum(p []byte) {
	clear(p[8:HeaderLen])
	binary.LittleEndian.PutUint32(p[8:], crc32.Checksum(p, castagnoli))
}

// ChecksumOK reports whether packet p is at least as long as the common header
// and carries its CRC32c. It does not modify p.
func ChecksumOK(p []byte) bool {
	return len(p) >= HeaderLen && binary.LittleEndian.Uint32(p[8:]) == Checksum(p)
}
