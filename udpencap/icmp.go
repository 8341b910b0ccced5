// SPDX-License-Identifier: Apache-2.0

package udpencap

import "net/netip"

// An ICMPKind is what an ICMP message says.
type ICMPKind uint8

const (
	// ICMPUnreachable: a router or host cannot reach the destination.
	ICMPUnreachable ICMPKind = iota
	// ICMPPortUnreachable: the host has nobody at the UDP port.
	ICMPPortUnreachable
	// ICMPTooBig: a packet had DF and was larger than the MTU of a link.
	ICMPTooBig
)

func (k ICMPKind) String() string {
	switch k {
	case ICMPUnreachable:
		return "destination unreachable"
	case ICMPPortUnreachable:
		return "port unreachable"
	case ICMPTooBig:
		return "packet too big"
	}
	return "invalid"
}

// An ICMPError is an ICMP or ICMPv6 message about a datagram that a socket has
// sent. Anybody who can guess addresses and ports can forge one, so that it means
// nothing until Data has been compared with what was sent.
type ICMPError struct {
	Kind ICMPKind
	// Dst is where the datagram went.
	Dst netip.AddrPort
	// MTU is that of an ICMPTooBig, in bytes of IP packet.
	MTU int
	// Data is the beginning of the datagram's payload, as far as it was quoted.
	Data []byte
}

// An ICMPTeller is a Socket that tells of ICMP messages. Those of the host do on
// Linux.
type ICMPTeller interface {
	// OnICMP has f called for each message from now on, by ReadBatch and
	// WriteBatch: it must not wait, nor use the socket, and may keep Data.
	OnICMP(f func(ICMPError)) error
}
