// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/binary"
	"io"
	"net/netip"

	"github.com/rserpool/rserpool/conformance"
)

// The blocks and options of pcapng that are used (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	linkRaw        = 101 // LINKTYPE_RAW: packets begin with the IP header
	optComment     = 1
	optResolution  = 9
)

// Pcapng writes the packets of a result, both ways, for Wireshark: with the verdict as the comment of the section, and the
// made-up headers of IP and UDP.
func Pcapng(w io.Writer, res *conformance.Result) error {
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0x1a2b3c4d)
	head = le.AppendUint16(head, 1)
	head = le.AppendUint16(head, 0)
	head = le.AppendUint64(head, ^uint64(0))
	head = option(head, optComment, []byte(res.Case.ID+": "+string(res.Verdict)+"\nexpected: "+res.Expected+"\nseen: "+res.Seen+"\nrule: "+res.Case.Rule))
	b := block(nil, blockSection, option(head, 0, nil))
	iface := le.AppendUint16(nil, linkRaw)
	iface = le.AppendUint16(iface, 0)
	iface = le.AppendUint32(iface, 0)
	iface = option(iface, optResolution, []byte{9}) // nanoseconds
	b = block(b, blockInterface, option(iface, 0, nil))
	for _, p := range res.Packets {
		ip := datagram(p.Src, p.Dst, p.Data)
		at := uint64(p.Time.UnixNano())
		e := le.AppendUint32(nil, 0)
		e = le.AppendUint32(e, uint32(at>>32))
		e = le.AppendUint32(e, uint32(at))
		e = le.AppendUint32(e, uint32(len(ip)))
		e = le.AppendUint32(e, uint32(len(ip)))
		e = pad(append(e, ip...))
		b = block(b, blockPacket, e)
	}
	_, err := w.Write(b)
	return err
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func block(b []byte, kind uint32, body []byte) []byte {
	n := uint32(len(body) + 12)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint32(b, n)
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, n)
}

// option appends one; number 0 ends the list.
func option(b []byte, number uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, number)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

// datagram puts IP and UDP headers before a payload.
func datagram(src, dst netip.AddrPort, data []byte) []byte {
	be := binary.BigEndian
	udp := be.AppendUint16(nil, src.Port())
	udp = be.AppendUint16(udp, dst.Port())
	udp = be.AppendUint16(udp, uint16(8+len(data)))
	udp = be.AppendUint16(udp, 0)
	udp = append(udp, data...)
	a, z := src.Addr().Unmap(), dst.Addr().Unmap()
	pseudo := append(a.AsSlice(), z.AsSlice()...)
	pseudo = be.AppendUint32(pseudo, uint32(len(udp)))
	pseudo = be.AppendUint32(pseudo, 17)
	sum := checksum(append(pseudo, udp...))
	if sum == 0 {
		sum = 0xffff
	}
	be.PutUint16(udp[6:], sum)
	if a.Is6() {
		ip := be.AppendUint32(nil, 6<<28)
		ip = be.AppendUint16(ip, uint16(len(udp)))
		ip = append(ip, 17, 64)
		ip = append(ip, a.AsSlice()...)
		ip = append(ip, z.AsSlice()...)
		return append(ip, udp...)
	}
	ip := []byte{0x45, 0}
	ip = be.AppendUint16(ip, uint16(20+len(udp)))
	ip = append(ip, 0, 0, 0x40, 0, 64, 17, 0, 0)
	ip = append(ip, a.AsSlice()...)
	ip = append(ip, z.AsSlice()...)
	be.PutUint16(ip[10:], checksum(ip))
	return append(ip, udp...)
}

func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
