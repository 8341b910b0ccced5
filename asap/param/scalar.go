// SPDX-License-Identifier: Apache-2.0

package param

import (
	"encoding/binary"
	"fmt"
)

// PoolHandle names a pool: from 1 to MaxPoolHandle arbitrary bytes, RFC 5354, Section 3.9. It is a string so that it
// is comparable; it need not be text.
type PoolHandle string

// Cookie is what a pool element wants its successor to know, RFC 5354, Section 3.13: arbitrary bytes. Towards
// RSPLIB make it a multiple of 4 bytes long.
type Cookie []byte

// PEChecksum is the checksum over the pool elements of an ENRP server, RFC 5354, Section 3.15.
type PEChecksum uint16

// String returns the checksum as 4 hexadecimal digits.
func (c PEChecksum) String() string { return fmt.Sprintf("%04x", uint16(c)) }

// PoolHandle appends the Pool Handle parameter.
func (e *Encoder) PoolHandle(h PoolHandle) {
	if h == "" {
		e.Fail(TypePoolHandle, "is empty")
	}
	start := e.open(TypePoolHandle)
	e.b = append(e.b, h...)
	e.close(start, TypePoolHandle)
}

// PoolHandle parses a Pool Handle parameter.
func (p Param) PoolHandle() (PoolHandle, error) {
	if len(p.Value) == 0 {
		return "", p.invalid("is empty")
	}
	return PoolHandle(p.Value), nil
}

// Cookie appends the Cookie parameter.
func (e *Encoder) Cookie(c Cookie) {
	start := e.open(TypeCookie)
	e.b = append(e.b, c...)
	e.close(start, TypeCookie)
}

// Cookie parses a Cookie parameter. It is never nil.
func (p Param) Cookie() Cookie { return append(Cookie{}, p.Value...) }

// PEIdentifier appends the PE Identifier parameter, RFC 5354, Section 3.14.
func (e *Encoder) PEIdentifier(id uint32) { e.scalar32(TypePEIdentifier, id) }

// PEIdentifier parses a PE Identifier parameter.
func (p Param) PEIdentifier() (uint32, error) { return p.scalar32() }

// PEChecksum appends the PE Checksum parameter.
func (e *Encoder) PEChecksum(c PEChecksum) {
	start := e.open(TypePEChecksum)
	e.Uint16(uint16(c))
	e.close(start, TypePEChecksum) // Length=0x6, then 2 bytes of padding
}

// PEChecksum parses a PE Checksum parameter.
func (p Param) PEChecksum() (PEChecksum, error) {
	if len(p.Value) != 2 {
		return 0, p.invalid(fmt.Sprintf("length is %d, not 6", len(p.Raw)))
	}
	return PEChecksum(binary.BigEndian.Uint16(p.Value)), nil
}

// HandleResolutionOption appends the Handle Resolution Option, which asks for this many pool elements. Nothing is
// appended for 0.
func (e *Encoder) HandleResolutionOption(items uint32) {
	if items != 0 {
		e.scalar32(TypeHandleResolutionOption, items)
	}
}

// HandleResolutionOption parses a Handle Resolution Option. A wish for 0 items is as good as none.
func (p Param) HandleResolutionOption() (items uint32, err error) { return p.scalar32() }

// EncapPort appends the Encapsulation Port parameter, unless the port is the default one or 0, which means the same.
func (e *Encoder) EncapPort(port uint16) {
	if port == 0 || port == DefaultEncapPort {
		return
	}
	start := e.open(TypeEncapsulationPort)
	e.Uint16(port)
	e.Uint16(0) // reserved
	e.close(start, TypeEncapsulationPort)
}

// EncapPort parses an Encapsulation Port parameter. For the default port it returns 0, as if it were absent.
func (p Param) EncapPort() (uint16, error) {
	if len(p.Value) != 4 {
		return 0, p.invalid(fmt.Sprintf("length is %d, not 8", len(p.Raw)))
	}
	switch port := binary.BigEndian.Uint16(p.Value); port {
	case 0:
		return 0, p.invalid("port is 0")
	case DefaultEncapPort:
		return 0, nil
	default:
		return port, nil
	}
}

func (e *Encoder) scalar32(t Type, v uint32) {
	start := e.open(t)
	e.Uint32(v)
	e.close(start, t)
}

func (p Param) scalar32() (uint32, error) {
	if len(p.Value) != 4 {
		return 0, p.invalid(fmt.Sprintf("length is %d, not 8", len(p.Raw)))
	}
	return binary.BigEndian.Uint32(p.Value), nil
}
