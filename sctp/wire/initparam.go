// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"net/netip"
)

// AppendAddress appends an IPv4 or IPv6 Address parameter, RFC 9260, Sections
// 3.3.2.1.1 and 3.3.2.1.2. A zone is dropped; the invalid address appends
// nothing.
//
// RFC 9260, Section 3.3.2.1.2: "A sender MUST NOT use an IPv4-mapped IPv6
// address [RFC4291] but SHOULD instead use an IPv4 Address parameter for an
// IPv4 address."
func AppendAddress(b []byte, a netip.Addr) []byte {
	switch a = a.Unmap(); {
	case a.Is4():
		x := a.As4()
		return append(append(b, 0, byte(ParamIPv4), 0, 8), x[:]...)
	case a.Is6():
		x := a.As16()
		return append(append(b, 0, byte(ParamIPv6), 0, 20), x[:]...)
	}
	return b
}

// Address returns the address in an IPv4 or IPv6 Address parameter. It may be
// any address, an IPv4-mapped or multicast one too.
func (p Param) Address() (netip.Addr, error) {
	switch p.Type {
	case ParamIPv4:
		if err := p.check(ParamIPv4, 4, true); err != nil {
			return netip.Addr{}, err
		}
		return netip.AddrFrom4([4]byte(p.Value)), nil
	case ParamIPv6:
		if err := p.check(ParamIPv6, 16, true); err != nil {
			return netip.Addr{}, err
		}
		return netip.AddrFrom16([16]byte(p.Value)), nil
	}
	return netip.Addr{}, typeError("address parameter", p.Type)
}

// AppendStateCookie appends a State Cookie parameter, RFC 9260, Section
// 3.3.3.1.1, and its padding.
func AppendStateCookie(b, cookie []byte) []byte { return AppendParam(b, ParamStateCookie, cookie) }

// StateCookie returns the cookie in a State Cookie parameter, a view.
func (p Param) StateCookie() ([]byte, error) {
	return p.Value, p.check(ParamStateCookie, 0, false)
}

// AppendUnrecognizedParam appends an Unrecognized Parameter parameter, RFC
// 9260, Section 3.3.3.1.2, which returns a parameter of an INIT chunk (its
// Param.Raw) to its sender.
func AppendUnrecognizedParam(b, raw []byte) []byte { return AppendParam(b, ParamUnrecognized, raw) }

// Unrecognized returns the parameter inside an Unrecognized Parameter
// parameter, a view.
func (p Param) Unrecognized() (Param, error) {
	if err := p.check(ParamUnrecognized, ParamHeaderLen, false); err != nil {
		return Param{}, err
	}
	in, _, err := NextParam(p.Value)
	return in, shift(err, ParamHeaderLen)
}

// AppendCookiePreservative appends a Cookie Preservative parameter, RFC 9260,
// Section 3.3.2.1.3: the wished increment of the cookie life span.
func AppendCookiePreservative(b []byte, milliseconds uint32) []byte {
	return appendUint32Param(b, ParamCookiePreservative, milliseconds)
}

// CookiePreservative returns the increment a Cookie Preservative parameter
// asks for, in milliseconds.
func (p Param) CookiePreservative() (milliseconds uint32, err error) {
	return p.uint32(ParamCookiePreservative)
}

// AppendSupportedAddressTypes appends a Supported Address Types parameter, RFC
// 9260, Section 3.3.2.1.5: ParamIPv4, ParamIPv6 or both.
func AppendSupportedAddressTypes(b []byte, types ...ParamType) []byte {
	start := len(b)
	b = startTLV(b, uint16(ParamSupportedAddressTypes))
	for _, t := range types {
		b = binary.BigEndian.AppendUint16(b, uint16(t))
	}
	return finish(b, start)
}

// SupportedAddressTypes appends the types a Supported Address Types parameter
// lists to types. Unknown ones and the Host Name Address are included; the
// latter "MUST be ignored" (RFC 9260, Section 3.3.2.1.5).
func (p Param) SupportedAddressTypes(types []ParamType) ([]ParamType, error) {
	if err := p.checkList(ParamSupportedAddressTypes, 0, 2); err != nil {
		return types, err
	}
	for v := p.Value; len(v) > 0; v = v[2:] {
		types = append(types, ParamType(binary.BigEndian.Uint16(v)))
	}
	return types, nil
}

// AppendSupportedExtensions appends a Supported Extensions parameter, RFC
// 5061, Section 4.2.7.
func AppendSupportedExtensions(b []byte, types ...ChunkType) []byte {
	return appendChunkTypes(b, ParamSupportedExtensions, types)
}

// AppendAdaptationIndication appends an Adaptation Layer Indication parameter,
// RFC 5061, Section 4.2.6.
func AppendAdaptationIndication(b []byte, codePoint uint32) []byte {
	return appendUint32Param(b, ParamAdaptationIndication, codePoint)
}

// AdaptationIndication returns the code point of an Adaptation Layer
// Indication parameter.
func (p Param) AdaptationIndication() (codePoint uint32, err error) {
	return p.uint32(ParamAdaptationIndication)
}

func appendUint32Param(b []byte, t ParamType, x uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(t>>8), byte(t), 0, 8), x)
}

func (p Param) uint32(t ParamType) (uint32, error) {
	if err := p.check(t, 4, true); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(p.Value), nil
}

// checkList tells whether the parameter is of type t and has n bytes of value
// followed by whole elements of the given size.
func (p Param) checkList(t ParamType, n, size int) error {
	if err := p.check(t, n, false); err != nil {
		return err
	}
	if (len(p.Value)-n)%size != 0 {
		return parseErrorf(t.String()+" parameter", 2, "length is %d, want %d + %d * n",
			ParamHeaderLen+len(p.Value), ParamHeaderLen+n, size)
	}
	return nil
}
