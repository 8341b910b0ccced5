// SPDX-License-Identifier: Apache-2.0

package wire

// An ErrorDetectionMethod says what protects packets in place of the CRC32c
// (RFC 9653, Section 8, "SCTP Error Detection Method").
type ErrorDetectionMethod uint32

// ErrorDetectionDTLS: the packets travel in DTLS (RFC 8261).
const ErrorDetectionDTLS ErrorDetectionMethod = 1

// AppendZeroChecksumAcceptable appends a Zero Checksum Acceptable parameter,
// RFC 9653, Section 4.
func AppendZeroChecksumAcceptable(b []byte, m ErrorDetectionMethod) []byte {
	return appendUint32Param(b, ParamZeroChecksumAcceptable, uint32(m))
}

// ZeroChecksumAcceptable returns the Error Detection Method Identifier of a
// Zero Checksum Acceptable parameter. It may be any number.
func (p Param) ZeroChecksumAcceptable() (ErrorDetectionMethod, error) {
	x, err := p.uint32(ParamZeroChecksumAcceptable)
	return ErrorDetectionMethod(x), err
}

// ChecksumZero reports whether packet p is at least as long as the common
// header and its checksum field is zero.
func ChecksumZero(p []byte) bool {
	return len(p) >= HeaderLen && [4]byte(p[8:HeaderLen]) == zeros
}
