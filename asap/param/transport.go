// SPDX-License-Identifier: Apache-2.0

package param

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Protocol is the protocol of a transport. Its value is the type of the transport's parameter.
type Protocol Type

// The protocols with a transport parameter, RFC 5354, Sections 3.3 to 3.7 and 3.16.
const (
	DCCP    = Protocol(TypeDCCPTransport)
	SCTP    = Protocol(TypeSCTPTransport)
	TCP     = Protocol(TypeTCPTransport)
	UDP     = Protocol(TypeUDPTransport)
	UDPLite = Protocol(TypeUDPLiteTransport)
	Opaque  = Protocol(TypeOpaqueTransport)
)

func (p Protocol) String() string {
	switch p {
	case DCCP:
		return "DCCP"
	case SCTP:
		return "SCTP"
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case UDPLite:
		return "UDP-Lite"
	case Opaque:
		return "Opaque"
	}
	return fmt.Sprintf("protocol %#x", uint16(p))
}

// TransportUse says what an SCTP user transport carries, RFC 5354, Section 3.4.
type TransportUse uint16

// The transport uses of RFC 5354, Section 3.4.
const (
	DataOnly        TransportUse = 0 // DATA ONLY
	DataPlusControl TransportUse = 1 // DATA plus CONTROL: ASAP messages between PU and PE, too
)

func (u TransportUse) String() string {
	switch u {
	case DataOnly:
		return "DATA ONLY"
	case DataPlusControl:
		return "DATA plus CONTROL"
	}
	return fmt.Sprintf("transport use %d", uint16(u))
}

// Transport is a transport parameter, RFC 5354, Sections 3.3 to 3.7 and 3.16.
type Transport struct {
	Protocol    Protocol
	Port        uint16
	Use         TransportUse // SCTP only; all others are data only
	ServiceCode uint32       // DCCP only

	// Addrs are from one to MaxAddrs addresses for SCTP, exactly one for the others, none for Opaque. IPv4-mapped
	// IPv6 addresses are sent as IPv4; zones are not sent.
	Addrs []netip.Addr

	Opaque []byte // Opaque only: the Opaque Transport Data
}

// AddrPorts returns the addresses, each with the port.
func (t Transport) AddrPorts() []netip.AddrPort {
	aps := make([]netip.AddrPort, len(t.Addrs))
	for i, a := range t.Addrs {
		aps[i] = netip.AddrPortFrom(a, t.Port)
	}
	return aps
}

// Equal reports whether both say the same, addresses in the same order.
func (t Transport) Equal(u Transport) bool {
	if t.Protocol != u.Protocol || t.Port != u.Port || t.Use != u.Use || t.ServiceCode != u.ServiceCode ||
		string(t.Opaque) != string(u.Opaque) || len(t.Addrs) != len(u.Addrs) {
		return false
	}
	for i := range t.Addrs {
		if t.Addrs[i] != u.Addrs[i] {
			return false
		}
	}
	return true
}

// String returns for example "SCTP 10.0.0.1,10.1.0.1:5000 (DATA plus CONTROL)".
func (t Transport) String() string {
	if t.Protocol == Opaque {
		return fmt.Sprintf("Opaque % x", t.Opaque)
	}
	s := t.Protocol.String() + " "
	for i, a := range t.Addrs {
		if i > 0 {
			s += ","
		}
		if a.Is6() {
			s += "[" + a.String() + "]"
		} else {
			s += a.String()
		}
	}
	s += fmt.Sprintf(":%d", t.Port)
	if t.Use != DataOnly {
		s += " (" + t.Use.String() + ")"
	}
	return s
}

// Transport appends a transport parameter.
func (e *Encoder) Transport(t Transport) {
	typ := Type(t.Protocol)
	if !typ.isTransport() {
		e.Fail(typ, "is not a transport")
		return
	}
	if reason := t.check(); reason != "" {
		e.Fail(typ, "%s", reason)
		return
	}
	start := e.open(typ)
	if t.Protocol == Opaque {
		e.b = append(e.b, t.Opaque...)
		e.close(start, typ)
		return
	}
	e.Uint16(t.Port)
	e.Uint16(uint16(t.Use)) // reserved, so 0, for all but SCTP
	if t.Protocol == DCCP {
		e.Uint32(t.ServiceCode)
	}
	for _, a := range t.Addrs {
		e.addr(a)
	}
	e.close(start, typ)
}

// check returns what is wrong with the transport, or "".
func (t Transport) check() string {
	switch {
	case t.Use > DataPlusControl:
		// RFC 5354, Section 3.4: "The field MUST be populated with one of the following values"
		return fmt.Sprintf("%v is not defined", t.Use)
	case t.Use != DataOnly && t.Protocol != SCTP:
		// RFC 5354, Section 3.5: "TCP MUST always be treated as a "Data Only" type transport use."
		return fmt.Sprintf("%v is for SCTP only", t.Use)
	case t.ServiceCode != 0 && t.Protocol != DCCP:
		return "service code is for DCCP only"
	case t.Protocol == Opaque:
		if len(t.Addrs) > 0 || t.Port != 0 {
			return "has no addresses and port"
		}
		return ""
	case len(t.Opaque) > 0:
		return "opaque data is for Opaque Transport only"
	case len(t.Addrs) == 0:
		// RFC 5354, Section 3.4: "at least one IP address parameter MUST be present"
		return "has no address"
	case len(t.Addrs) > MaxAddrs:
		return fmt.Sprintf("has more than %d addresses", MaxAddrs)
	case len(t.Addrs) > 1 && t.Protocol != SCTP:
		// RFC 5354, Section 3.5: "only one IP Address parameter can be present in a TCP Transport parameter."
		return fmt.Sprintf("has %d addresses, not one", len(t.Addrs))
	}
	return ""
}

// addr appends an IPv4 or IPv6 Address parameter, RFC 5354, Sections 3.1 and 3.2.
func (e *Encoder) addr(a netip.Addr) {
	a = a.Unmap()
	switch {
	case a.Is4():
		start := e.open(TypeIPv4Address)
		v := a.As4()
		e.b = append(e.b, v[:]...)
		e.close(start, TypeIPv4Address)
	case a.Is6():
		start := e.open(TypeIPv6Address)
		v := a.As16()
		e.b = append(e.b, v[:]...)
		e.close(start, TypeIPv6Address)
	default:
		e.Fail(TypeIPv4Address, "address is not set")
	}
}

// AppendBinary appends the parameter, without padding at its end. It implements encoding.BinaryAppender.
func (t Transport) AppendBinary(b []byte) ([]byte, error) {
	return appendParam(b, func(e *Encoder) { e.Transport(t) })
}

// IsTransport reports whether the parameter is one that [Param.Transport] parses.
func (p Param) IsTransport() bool { return p.Type.isTransport() }

// Transport parses a transport parameter.
func (p Param) Transport() (Transport, error) {
	t := Transport{Protocol: Protocol(p.Type)}
	if t.Protocol == Opaque {
		t.Opaque = cloneBytes(p.Value)
		return t, nil
	}
	fixed := 4
	if t.Protocol == DCCP {
		fixed = 8
	}
	if len(p.Value) < fixed {
		return Transport{}, p.invalid(fmt.Sprintf("length %d has no room for its fixed fields", len(p.Raw)))
	}
	t.Port = binary.BigEndian.Uint16(p.Value)
	if t.Protocol == SCTP { // for the others the field is reserved
		t.Use = TransportUse(binary.BigEndian.Uint16(p.Value[2:]))
	}
	if t.Protocol == DCCP {
		t.ServiceCode = binary.BigEndian.Uint32(p.Value[4:])
	}
	// A first guess that is right for IPv4; bounded before anything is allocated for it.
	t.Addrs = make([]netip.Addr, 0, min((len(p.Value)-fixed)/8, MaxAddrs))
	for d := p.nested(fixed); ; {
		a, ok, err := d.Next()
		if err != nil {
			return Transport{}, err
		}
		if !ok {
			break
		}
		switch {
		case a.Type == TypeIPv4Address && len(a.Value) == 4, a.Type == TypeIPv6Address && len(a.Value) == 16:
			if len(t.Addrs) == MaxAddrs {
				return Transport{}, p.invalid(fmt.Sprintf("has more than %d addresses", MaxAddrs))
			}
			ip, _ := netip.AddrFromSlice(a.Value)
			t.Addrs = append(t.Addrs, ip.Unmap())
		case a.Type == TypeIPv4Address || a.Type == TypeIPv6Address:
			return Transport{}, a.invalid(fmt.Sprintf("length %d does not fit the address", len(a.Raw)))
		default:
			if err := d.Skip(a); err != nil {
				return Transport{}, err
			}
		}
	}
	if reason := t.check(); reason != "" {
		return Transport{}, p.invalid(reason)
	}
	return t, nil
}
