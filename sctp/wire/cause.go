// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// CauseHeaderLen is the size of an error cause's code and length.
const CauseHeaderLen = 4

// A CauseCode is the code of an error cause.
type CauseCode uint16

// Error cause codes. RFC 9260, Section 3.3.10, unless noted.
const (
	CauseInvalidStream           CauseCode = 1
	CauseMissingParam            CauseCode = 2
	CauseStaleCookie             CauseCode = 3
	CauseOutOfResource           CauseCode = 4
	CauseUnresolvableAddress     CauseCode = 5
	CauseUnrecognizedChunk       CauseCode = 6
	CauseInvalidMandatoryParam   CauseCode = 7
	CauseUnrecognizedParams      CauseCode = 8
	CauseNoUserData              CauseCode = 9
	CauseCookieWhileShuttingDown CauseCode = 10
	CauseRestartNewAddresses     CauseCode = 11
	CauseUserInitiatedAbort      CauseCode = 12
	CauseProtocolViolation       CauseCode = 13
	CauseDeleteLastAddress       CauseCode = 0xa0   // RFC 5061, Section 4.3.1
	CauseResourceShortage        CauseCode = 0xa1   // RFC 5061, Section 4.3.2
	CauseDeleteSourceAddress     CauseCode = 0xa2   // RFC 5061, Section 4.3.3
	CauseIllegalAsconfAck        CauseCode = 0xa3   // RFC 5061, Section 4.3.4
	CauseNoAuthorization         CauseCode = 0xa4   // RFC 5061, Section 4.3.5
	CauseUnsupportedHMAC         CauseCode = 0x0105 // RFC 4895, Section 4.1
)

// String returns the name of the error cause as its RFC spells it.
func (c CauseCode) String() string {
	switch c {
	case CauseInvalidStream:
		return "Invalid Stream Identifier"
	case CauseMissingParam:
		return "Missing Mandatory Parameter"
	case CauseStaleCookie:
		return "Stale Cookie"
	case CauseOutOfResource:
		return "Out of Resource"
	case CauseUnresolvableAddress:
		return "Unresolvable Address"
	case CauseUnrecognizedChunk:
		return "Unrecognized Chunk Type"
	case CauseInvalidMandatoryParam:
		return "Invalid Mandatory Parameter"
	case CauseUnrecognizedParams:
		return "Unrecognized Parameters"
	case CauseNoUserData:
		return "No User Data"
	case CauseCookieWhileShuttingDown:
		return "Cookie Received While Shutting Down"
	case CauseRestartNewAddresses:
		return "Restart of an Association with New Addresses"
	case CauseUserInitiatedAbort:
		return "User-Initiated Abort"
	case CauseProtocolViolation:
		return "Protocol Violation"
	case CauseDeleteLastAddress:
		return "Request to Delete Last Remaining IP Address"
	case CauseResourceShortage:
		return "Operation Refused Due to Resource Shortage"
	case CauseDeleteSourceAddress:
		return "Request to Delete Source IP Address"
	case CauseIllegalAsconfAck:
		return "Association Aborted Due to Illegal ASCONF-ACK"
	case CauseNoAuthorization:
		return "Request Refused - No Authorization"
	case CauseUnsupportedHMAC:
		return "Unsupported HMAC Identifier"
	}
	return fmt.Sprintf("error cause 0x%04x", uint16(c))
}

// A Cause is one error cause of an ABORT or ERROR chunk or of an Error Cause
// Indication parameter. Value and Raw are views into the packet.
type Cause struct {
	Code  CauseCode
	Value []byte // cause-specific information, without padding
	Raw   []byte // header and Value, without padding
}

// NextCause cuts the first error cause off b and returns it and what follows
// its padding. The padding of the last cause may be missing.
func NextCause(b []byte) (c Cause, rest []byte, err error) {
	if len(b) < CauseHeaderLen {
		return Cause{}, nil, parseErrorf("error cause header", 0, "%d bytes left, want %d", len(b), CauseHeaderLen)
	}
	code, n := CauseCode(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
	if n < CauseHeaderLen || n > len(b) {
		return Cause{}, nil, tlvLengthError(code.String()+" error cause", n, len(b))
	}
	return Cause{Code: code, Value: b[CauseHeaderLen:n:n], Raw: b[:n:n]}, b[min(padded(n), len(b)):], nil
}

// Causes iterates over the error causes in b. After an error it stops.
func Causes(b []byte) iter.Seq2[Cause, error] {
	return func(yield func(Cause, error) bool) {
		for len(b) > 0 {
			c, rest, err := NextCause(b)
			if !yield(c, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

// CheckCauses reports whether b is a well-formed list of error causes.
func CheckCauses(b []byte) error {
	for off := len(b); len(b) > 0; {
		_, rest, err := NextCause(b)
		if err != nil {
			return shift(err, off-len(b))
		}
		b = rest
	}
	return nil
}

// AppendCause appends an error cause of any code with the given value, and its
// padding.
func AppendCause(b []byte, code CauseCode, value []byte) []byte {
	return appendTLV(b, uint16(code), value)
}

func (c Cause) check(code CauseCode, n int, exact bool) error {
	if c.Code != code {
		return typeError(code.String()+" error cause", c.Code)
	}
	if len(c.Value) < n || exact && len(c.Value) > n {
		return parseErrorf(code.String()+" error cause", 2, "length is %d, want %s%d",
			CauseHeaderLen+len(c.Value), atLeast(exact), CauseHeaderLen+n)
	}
	return nil
}
