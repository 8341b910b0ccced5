// SPDX-License-Identifier: Apache-2.0

//go:build linux && interop

package lab

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// pcap returns a capture file of SCTP packets in UDP, on IPv4 without a link layer.
func pcap(packets ...[]byte) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint32(le.AppendUint32(b, 65535), 101) // LINKTYPE_RAW
	for i, sctp := range packets {
		n := 28 + len(sctp)
		b = le.AppendUint32(le.AppendUint32(b, uint32(i)), 0)
		b = le.AppendUint32(le.AppendUint32(b, uint32(n)), uint32(n))
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(n))
		b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 10, 44, 0, 1, 10, 44, 0, 2)
		b = be.AppendUint16(be.AppendUint16(b, 9899), 9899)
		b = append(be.AppendUint16(b, uint16(n-20)), 0, 0)
		b = append(b, sctp...)
	}
	return b
}

// sctpPacket returns a packet of one chunk with the right CRC32c.
func sctpPacket(chunk ...byte) []byte {
	p := append([]byte{0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0}, chunk...)
	binary.LittleEndian.PutUint32(p[8:], crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
	return p
}

func TestCheckFindsBadPackets(t *testing.T) {
	l := New(t)
	file := filepath.Join(t.TempDir(), "x.pcap")
	check := func(filter string, packets ...[]byte) error {
		require.NoError(t, os.WriteFile(file, pcap(packets...), 0o644))
		args := []string{"check", file}
		if filter != "" {
			args = append(args, filter)
		}
		return runRig(l.rig, args...)
	}
	cookieAck := sctpPacket(11, 0, 0, 4)
	require.NoError(t, check("", cookieAck))

	wrong := append([]byte(nil), cookieAck...)
	wrong[8] ^= 1
	require.ErrorContains(t, check("", cookieAck, wrong), "1 malformed packets or bad checksums")
	require.NoError(t, check("ip.src == 10.44.0.2", wrong), "only packets of the filter are judged")

	short := sctpPacket(3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0) // one gap ack block announced and missing
	require.ErrorContains(t, check("", short), "1 malformed packets or bad checksums")

	require.NoError(t, os.WriteFile(file, []byte("no capture"), 0o644))
	require.ErrorContains(t, runRig(l.rig, "check", file), "tshark cannot read")
}
