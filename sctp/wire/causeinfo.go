// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"net/netip"
)

// AppendInvalidStream appends an Invalid Stream Identifier cause, RFC 9260,
// Section 3.3.10.1.
func AppendInvalidStream(b []byte, stream uint16) []byte {
	return append(b, 0, byte(CauseInvalidStream), 0, 8, byte(stream>>8), byte(stream), 0, 0)
}

// InvalidStream returns the stream of an Invalid Stream Identifier cause.
func (c Cause) InvalidStream() (stream uint16, err error) {
	if err := c.check(CauseInvalidStream, 4, true); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(c.Value), nil
}

// AppendMissingParams appends a Missing Mandatory Parameter cause, RFC 9260,
// Section 3.3.10.2, and its padding.
func AppendMissingParams(b []byte, types ...ParamType) []byte {
	start := len(b)
	b = startTLV(b, uint16(CauseMissingParam))
	b = binary.BigEndian.AppendUint32(b, uint32(len(types)))
	for _, t := range types {
		b = binary.BigEndian.AppendUint16(b, uint16(t))
	}
	return finish(b, start)
}

// MissingParams appends the types a Missing Mandatory Parameter cause lists to
// types. Their number must be the announced one.
func (c Cause) MissingParams(types []ParamType) ([]ParamType, error) {
	if err := c.check(CauseMissingParam, 4, false); err != nil {
		return types, err
	}
	n, v := binary.BigEndian.Uint32(c.Value), c.Value[4:]
	if uint64(len(v)) != 2*uint64(n) {
		return types, parseErrorf(CauseMissingParam.String()+" error cause", 4,
			"%d parameters make %d bytes, but %d follow", n, 2*uint64(n), len(v))
	}
	for ; len(v) > 0; v = v[2:] {
		types = append(types, ParamType(binary.BigEndian.Uint16(v)))
	}
	return types, nil
}

// AppendStaleCookie appends a Stale Cookie cause, RFC 9260, Section 3.3.10.3:
// how long ago the cookie expired.
func AppendStaleCookie(b []byte, microseconds uint32) []byte {
	return appendUint32Param(b, ParamType(CauseStaleCookie), microseconds)
}

// StaleCookie returns the Measure of Staleness of a Stale Cookie cause, in
// microseconds.
func (c Cause) StaleCookie() (microseconds uint32, err error) {
	return c.uint32(CauseStaleCookie)
}

// AppendUnresolvableAddress appends an Unresolvable Address cause, RFC 9260,
// Section 3.3.10.5. raw is the whole address parameter (Param.Raw).
func AppendUnresolvableAddress(b, raw []byte) []byte {
	return AppendCause(b, CauseUnresolvableAddress, raw)
}

// AppendUnrecognizedChunk appends an Unrecognized Chunk Type cause, RFC 9260,
// Section 3.3.10.6. raw is the whole chunk (Chunk.Raw).
func AppendUnrecognizedChunk(b, raw []byte) []byte {
	return AppendCause(b, CauseUnrecognizedChunk, raw)
}

// UnrecognizedChunk returns the type of the chunk an Unrecognized Chunk Type
// cause returns. The rest of the chunk, in Value[1:], may have been cut.
func (c Cause) UnrecognizedChunk() (ChunkType, error) {
	if err := c.check(CauseUnrecognizedChunk, 1, false); err != nil {
		return 0, err
	}
	return ChunkType(c.Value[0]), nil
}

// AppendInvalidMandatoryParam appends an Invalid Mandatory Parameter cause,
// RFC 9260, Section 3.3.10.7.
func AppendInvalidMandatoryParam(b []byte) []byte {
	return AppendCause(b, CauseInvalidMandatoryParam, nil)
}

// AppendUnrecognizedParams appends an Unrecognized Parameters cause, RFC 9260,
// Section 3.3.10.8. params is a list of whole parameters of an INIT ACK.
func AppendUnrecognizedParams(b, params []byte) []byte {
	return AppendCause(b, CauseUnrecognizedParams, withoutFinalPadding(params))
}

// AppendNoUserData appends a No User Data cause, RFC 9260, Section 3.3.10.9.
func AppendNoUserData(b []byte, tsn TSN) []byte {
	return appendUint32Param(b, ParamType(CauseNoUserData), uint32(tsn))
}

// NoUserData returns the TSN of a No User Data cause.
func (c Cause) NoUserData() (TSN, error) {
	x, err := c.uint32(CauseNoUserData)
	return TSN(x), err
}

// AppendRestartNewAddresses appends a Restart of an Association with New
// Addresses cause, RFC 9260, Section 3.3.10.11. Its value holds address
// parameters.
func AppendRestartNewAddresses(b []byte, addrs ...netip.Addr) []byte {
	start := len(b)
	b = startTLV(b, uint16(CauseRestartNewAddresses))
	for _, a := range addrs {
		b = AppendAddress(b, a)
	}
	return finish(b, start)
}

// AppendUserInitiatedAbort appends a User-Initiated Abort cause, RFC 9260,
// Section 3.3.10.12, with an Upper Layer Abort Reason of any bytes, and its
// padding.
func AppendUserInitiatedAbort(b, reason []byte) []byte {
	return AppendCause(b, CauseUserInitiatedAbort, reason)
}

// AppendProtocolViolation appends a Protocol Violation cause, RFC 9260, Section
// 3.3.10.13, with text for the human on the other side, and its padding.
func AppendProtocolViolation(b []byte, info string) []byte {
	start := len(b)
	b = startTLV(b, uint16(CauseProtocolViolation))
	b = append(b, info...)
	return finish(b, start)
}

// AppendUnsupportedHMAC appends an Unsupported HMAC Identifier cause, RFC
// 4895, Section 4.1.
func AppendUnsupportedHMAC(b []byte, id HMACID) []byte {
	return AppendCause(b, CauseUnsupportedHMAC, []byte{byte(id >> 8), byte(id)})
}

// UnsupportedHMAC returns the identifier in an Unsupported HMAC Identifier cause.
func (c Cause) UnsupportedHMAC() (HMACID, error) {
	if err := c.check(CauseUnsupportedHMAC, 2, true); err != nil {
		return 0, err
	}
	return HMACID(binary.BigEndian.Uint16(c.Value)), nil
}

func (c Cause) uint32(code CauseCode) (uint32, error) {
	if err := c.check(code, 4, true); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(c.Value), nil
}
