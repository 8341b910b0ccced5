// SPDX-License-Identifier: Apache-2.0

package param

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// CauseCode is the code of an error cause, RFC 5354, Section 3.12.
type CauseCode uint16

// The cause codes of RFC 5354, Table 2.
const (
	CauseUnspecified               CauseCode = 0x0
	CauseUnrecognizedParameter     CauseCode = 0x1
	CauseUnrecognizedMessage       CauseCode = 0x2
	CauseInvalidValues             CauseCode = 0x3
	CauseNonUniquePEIdentifier     CauseCode = 0x4
	CauseInconsistentPolicy        CauseCode = 0x5
	CauseLackOfResources           CauseCode = 0x6
	CauseInconsistentTransportType CauseCode = 0x7
	CauseInconsistentDataControl   CauseCode = 0x8
	CauseUnknownPoolHandle         CauseCode = 0x9
	CauseRejectedSecurity          CauseCode = 0xa
)

// Cause codes of RSPLIB that no RFC assigns. A receiver treats each of them as a rejection. A pool element that gets
// CauseRSPLIBNoASAPAddresses or CauseRSPLIBNoUserAddresses tries another registrar.
const (
	CauseRSPLIBInvalidMessage    CauseCode = 0x10
	CauseRSPLIBInvalidValue      CauseCode = 0x11
	CauseRSPLIBWrongProtocol     CauseCode = 0x100a
	CauseRSPLIBUnsupportedPolicy CauseCode = 0x100b
	CauseRSPLIBInvalidID         CauseCode = 0xf000
	CauseRSPLIBOwnID             CauseCode = 0xf001
	CauseRSPLIBDuplicateID       CauseCode = 0xf002
	CauseRSPLIBInvalidPolicy     CauseCode = 0xf003
	CauseRSPLIBInvalidHandle     CauseCode = 0xf004
	CauseRSPLIBInvalidAddresses  CauseCode = 0xf005
	CauseRSPLIBInvalidRegistrar  CauseCode = 0xf006
	CauseRSPLIBNoASAPAddresses   CauseCode = 0xf007
	CauseRSPLIBNoUserAddresses   CauseCode = 0xf008
)

var causeNames = map[CauseCode]string{
	CauseUnspecified:               "Unspecified Error",
	CauseUnrecognizedParameter:     "Unrecognized Parameter",
	CauseUnrecognizedMessage:       "Unrecognized Message",
	CauseInvalidValues:             "Invalid Values",
	CauseNonUniquePEIdentifier:     "Non-unique PE Identifier",
	CauseInconsistentPolicy:        "Inconsistent Pooling Policy",
	CauseLackOfResources:           "Lack of Resources",
	CauseInconsistentTransportType: "Inconsistent Transport Type",
	CauseInconsistentDataControl:   "Inconsistent Data/Control Configuration",
	CauseUnknownPoolHandle:         "Unknown Pool Handle",
	CauseRejectedSecurity:          "Rejected due to security considerations",

	CauseRSPLIBInvalidMessage:    "Invalid Message (RSPLIB)",
	CauseRSPLIBInvalidValue:      "Invalid Value (RSPLIB)",
	CauseRSPLIBWrongProtocol:     "Wrong Protocol (RSPLIB)",
	CauseRSPLIBUnsupportedPolicy: "Unsupported Policy (RSPLIB)",
	CauseRSPLIBInvalidID:         "Invalid Identifier (RSPLIB)",
	CauseRSPLIBOwnID:             "Own Identifier (RSPLIB)",
	CauseRSPLIBDuplicateID:       "Duplicate Identifier (RSPLIB)",
	CauseRSPLIBInvalidPolicy:     "Invalid Policy (RSPLIB)",
	CauseRSPLIBInvalidHandle:     "Invalid Pool Handle (RSPLIB)",
	CauseRSPLIBInvalidAddresses:  "Invalid Addresses (RSPLIB)",
	CauseRSPLIBInvalidRegistrar:  "Invalid Registrar (RSPLIB)",
	CauseRSPLIBNoASAPAddresses:   "No Usable ASAP Addresses (RSPLIB)",
	CauseRSPLIBNoUserAddresses:   "No Usable User Addresses (RSPLIB)",
}

// String returns the name of RFC 5354, Table 2, or the number of an unknown code.
func (c CauseCode) String() string {
	if s, ok := causeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("cause %#x", uint16(c))
}

// Cause is an error cause: a code and, for some codes, the TLV it is about.
type Cause struct {
	Code CauseCode
	Info []byte // Cause-Specific Information, without padding; at most 65531 bytes
}

func (c Cause) String() string {
	if len(c.Info) == 0 {
		return c.Code.String()
	}
	return fmt.Sprintf("%v [% x]", c.Code, c.Info[:min(len(c.Info), 32)])
}

// OperationError is the Operation Error parameter, RFC 5354, Section 3.12: one or more causes. Empty means that the
// parameter is absent. It is an error, so that a rejection can be returned as what it is.
type OperationError []Cause

// Error lists the causes.
func (e OperationError) Error() string {
	if len(e) == 0 {
		return "no error cause"
	}
	s := make([]string, len(e))
	for i, c := range e {
		s[i] = c.String()
	}
	return strings.Join(s, ", ")
}

// Has reports whether one of the causes has the code.
func (e OperationError) Has(code CauseCode) bool {
	return slices.ContainsFunc(e, func(c Cause) bool { return c.Code == code })
}

// InconsistentPolicy is the cause for a policy other than the pool's.
//
// RFC 5354, Section 3.12.6: "A Pool Member Selection Policy TLV (see Section 3.8) that indicates the overall pool
// policy is included as cause-specific information."
func InconsistentPolicy(pool Policy) Cause {
	info, _ := pool.AppendBinary(nil) // without it, the code still says what is wrong
	return Cause{Code: CauseInconsistentPolicy, Info: info}
}

// InconsistentTransportType is the cause for a user transport other than the pool's.
//
// RFC 5354, Section 3.12.8: "A Transport TLV that indicates the overall pool user transport type is included as
// cause-specific information."
func InconsistentTransportType(pool Transport) Cause {
	info, _ := pool.AppendBinary(nil)
	return Cause{Code: CauseInconsistentTransportType, Info: info}
}

// InvalidValues is the cause for a parameter with a value that cannot be used.
//
// RFC 5354, Section 3.12.4: "The offending TLV that contains the invalid value(s) is included as cause-specific
// information."
func InvalidValues(tlv []byte) Cause { return quote(CauseInvalidValues, tlv) }

// UnrecognizedMessage is the cause for a message of unknown type.
//
// RFC 5354, Section 3.12.3: "The unrecognized message TLV is included as cause-specific information."
func UnrecognizedMessage(message []byte) Cause { return quote(CauseUnrecognizedMessage, message) }

// quote copies what it quotes, so that causes outlive the message.
func quote(code CauseCode, tlv []byte) Cause {
	return Cause{Code: code, Info: bytes.Clone(tlv[:min(len(tlv), MaxCauseInfo)])}
}

// OperationError appends the Operation Error parameter, or nothing if there is no cause.
func (e *Encoder) OperationError(causes OperationError) {
	if len(causes) == 0 {
		return
	}
	start := e.open(TypeOperationError)
	for _, c := range causes {
		s := e.open(Type(c.Code)) // a cause has the frame of a parameter
		e.b = append(e.b, c.Info...)
		e.close(s, TypeOperationError)
	}
	e.close(start, TypeOperationError)
}

// OperationError parses an Operation Error parameter.
func (p Param) OperationError() (OperationError, error) {
	var causes OperationError
	for rest := p.Value; len(rest) > 0; {
		c, n, reason := cut(rest, false)
		if reason != "" {
			return nil, p.invalid("cause " + reason)
		}
		causes = append(causes, Cause{Code: CauseCode(c.Type), Info: cloneBytes(c.Value)})
		rest = rest[n:]
	}
	// RFC 5354, Section 3.12: "one or more Error Causes"
	if len(causes) == 0 {
		return nil, p.invalid("holds no error cause")
	}
	return causes, nil
}
