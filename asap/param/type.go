// SPDX-License-Identifier: Apache-2.0

package param

import "fmt"

// Type is a parameter type of RFC 5354, Section 3, Table 1. Its two highest bits say what a receiver does that does
// not know it; see [Type.Stop] and [Type.Report].
type Type uint16

// The parameter types of RFC 5354 and the two extensions spoken here.
const (
	TypeIPv4Address       Type = 0x1
	TypeIPv6Address       Type = 0x2
	TypeDCCPTransport     Type = 0x3
	TypeSCTPTransport     Type = 0x4
	TypeTCPTransport      Type = 0x5
	TypeUDPTransport      Type = 0x6
	TypeUDPLiteTransport  Type = 0x7
	TypePolicy            Type = 0x8
	TypePoolHandle        Type = 0x9
	TypePoolElement       Type = 0xa
	TypeServerInformation Type = 0xb
	TypeOperationError    Type = 0xc
	TypeCookie            Type = 0xd
	TypePEIdentifier      Type = 0xe
	TypePEChecksum        Type = 0xf
	TypeOpaqueTransport   Type = 0x10

	// TypeHandleResolutionOption is the option of draft-dreibholz-rserpool-asap-hropt: how many pool elements a
	// handle resolution asks for.
	TypeHandleResolutionOption Type = 0x803f

	// TypeEncapsulationPort is this project's own: the UDP encapsulation port (RFC 6951) at which the SCTP transport
	// addresses next to it are reached. Its action bits are 10, so that everyone else skips it without a word.
	TypeEncapsulationPort Type = 0x80f9
)

var typeNames = map[Type]string{
	TypeIPv4Address:            "IPv4 Address",
	TypeIPv6Address:            "IPv6 Address",
	TypeDCCPTransport:          "DCCP Transport",
	TypeSCTPTransport:          "SCTP Transport",
	TypeTCPTransport:           "TCP Transport",
	TypeUDPTransport:           "UDP Transport",
	TypeUDPLiteTransport:       "UDP-Lite Transport",
	TypePolicy:                 "Pool Member Selection Policy",
	TypePoolHandle:             "Pool Handle",
	TypePoolElement:            "Pool Element",
	TypeServerInformation:      "Server Information",
	TypeOperationError:         "Operation Error",
	TypeCookie:                 "Cookie",
	TypePEIdentifier:           "PE Identifier",
	TypePEChecksum:             "PE Checksum",
	TypeOpaqueTransport:        "Opaque Transport",
	TypeHandleResolutionOption: "Handle Resolution Option",
	TypeEncapsulationPort:      "Encapsulation Port",
}

// String returns the name of RFC 5354, Table 1, or the number of an unknown type.
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("parameter %#x", uint16(t))
}

// Known reports whether the type is one of those above.
func (t Type) Known() bool {
	return t >= TypeIPv4Address && t <= TypeOpaqueTransport ||
		t == TypeHandleResolutionOption || t == TypeEncapsulationPort
}

// Stop reports whether a receiver that does not know the type discards the whole message.
//
// RFC 5354, Section 3: "00 Stop processing this ENRP or ASAP message and discard it"
func (t Type) Stop() bool { return t&0x8000 == 0 }

// Report reports whether a receiver that does not know the type tells the sender.
//
// RFC 5354, Section 3: "and report the unrecognized parameter in an 'Unrecognized Parameter' error"
func (t Type) Report() bool { return t&0x4000 != 0 }

// isTransport reports whether the type is one of the six transport parameters.
func (t Type) isTransport() bool {
	return t >= TypeDCCPTransport && t <= TypeUDPLiteTransport || t == TypeOpaqueTransport
}
