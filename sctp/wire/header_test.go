// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeader(t *testing.T) {
	h := Header{SrcPort: 0x1234, DstPort: 0x5678, Tag: 0x9abcdef0, Checksum: 0x01020304}
	b := h.Append([]byte("x"))
	require.Equal(t, []byte("x\x12\x34\x56\x78\x9a\xbc\xde\xf0\x04\x03\x02\x01"), b)
	got, err := ParseHeader(b[1:])
	require.NoError(t, err)
	require.Equal(t, h, got)
}

func TestChecksumOfCapturedPackets(t *testing.T) {
	n := 0
	for _, v := range readVectors(t) {
		if v.kind != "packet" {
			continue
		}
		n++
		p := slices.Clone(v.bytes)
		require.True(t, ChecksumOK(p), v.name)
		require.Equal(t, v.bytes, p, "%s: ChecksumOK changed the packet", v.name)
		h, err := ParseHeader(p)
		require.NoError(t, err)
		require.Equal(t, h.Checksum, Checksum(p), v.name)

		SetChecksum(p)
		require.Equal(t, v.bytes, p, "%s: SetChecksum wrote another checksum", v.name)
		for bit := range 8 * len(p) {
			p[bit/8] ^= 1 << (bit % 8)
			require.False(t, ChecksumOK(p), "%s: bit %d flipped", v.name, bit)
			p[bit/8] ^= 1 << (bit % 8)
		}
	}
	require.NotZero(t, n)
}

// RFC 3720, Appendix B.4 lists the CRC32c of 32 bytes of zeros as aa 36 91 8a
// on the wire, which is the byte order of the SCTP field.
func TestChecksumByteOrder(t *testing.T) {
	p := make([]byte, 32)
	SetChecksum(p)
	require.Equal(t, []byte{0xaa, 0x36, 0x91, 0x8a}, p[8:12])
	require.Equal(t, uint32(0x8a9136aa), crc32.Checksum(make([]byte, 32), castagnoli))
}

func TestChecksumOfShortPacket(t *testing.T) {
	require.False(t, ChecksumOK(nil))
	require.False(t, ChecksumOK(bytes.Repeat([]byte{0}, HeaderLen-1)))
}
