// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// A ParamType is the type of a parameter. "Parameter types MUST be unique
// across all chunks" (RFC 9260, Section 3.2.1).
type ParamType uint16

// Parameter types. RFC 9260, Section 3.3, unless noted.
const (
	ParamHeartbeatInfo          ParamType = 1
	ParamIPv4                   ParamType = 5
	ParamIPv6                   ParamType = 6
	ParamStateCookie            ParamType = 7
	ParamUnrecognized           ParamType = 8
	ParamCookiePreservative     ParamType = 9
	ParamHostName               ParamType = 11 // deprecated
	ParamSupportedAddressTypes  ParamType = 12
	ParamOutgoingReset          ParamType = 13     // RFC 6525, Section 4.1
	ParamIncomingReset          ParamType = 14     // RFC 6525, Section 4.2
	ParamSSNTSNReset            ParamType = 15     // RFC 6525, Section 4.3
	ParamReconfigResponse       ParamType = 16     // RFC 6525, Section 4.4
	ParamAddOutgoingStreams     ParamType = 17     // RFC 6525, Section 4.5
	ParamAddIncomingStreams     ParamType = 18     // RFC 6525, Section 4.6
	ParamECNCapable             ParamType = 0x8000 // RFC 2960, Appendix A
	ParamZeroChecksumAcceptable ParamType = 0x8001 // RFC 9653, Section 4
	ParamRandom                 ParamType = 0x8002 // RFC 4895, Section 3.1
	ParamChunkList              ParamType = 0x8003 // RFC 4895, Section 3.2
	ParamHMACAlgo               ParamType = 0x8004 // RFC 4895, Section 3.3
	ParamPadding                ParamType = 0x8005 // RFC 4820, Section 4
	ParamSupportedExtensions    ParamType = 0x8008 // RFC 5061, Section 4.2.7
	ParamForwardTSN             ParamType = 0xc000 // RFC 3758, Section 3.1
	ParamAddIP                  ParamType = 0xc001 // RFC 5061, Section 4.2.1
	ParamDeleteIP               ParamType = 0xc002 // RFC 5061, Section 4.2.2
	ParamErrorCauseIndication   ParamType = 0xc003 // RFC 5061, Section 4.2.3
	ParamSetPrimary             ParamType = 0xc004 // RFC 5061, Section 4.2.4
	ParamSuccessIndication      ParamType = 0xc005 // RFC 5061, Section 4.2.5
	ParamAdaptationIndication   ParamType = 0xc006 // RFC 5061, Section 4.2.6
)

// UnknownAction returns the action encoded in the highest two bits of t.
//
// RFC 9260, Section 3.2.1: "The Parameter Types are encoded such that the
// highest-order 2 bits specify the action that is taken if the processing
// endpoint does not recognize the Parameter Type."
func (t ParamType) UnknownAction() UnknownAction {
	return UnknownAction{Stop: t&0x8000 == 0, Report: t&0x4000 != 0}
}

// String returns the name of the parameter type as its RFC spells it.
func (t ParamType) String() string {
	switch t {
	case ParamHeartbeatInfo:
		return "Heartbeat Info"
	case ParamIPv4:
		return "IPv4 Address"
	case ParamIPv6:
		return "IPv6 Address"
	case ParamStateCookie:
		return "State Cookie"
	case ParamUnrecognized:
		return "Unrecognized Parameter"
	case ParamCookiePreservative:
		return "Cookie Preservative"
	case ParamHostName:
		return "Host Name Address"
	case ParamSupportedAddressTypes:
		return "Supported Address Types"
	case ParamOutgoingReset:
		return "Outgoing SSN Reset Request"
	case ParamIncomingReset:
		return "Incoming SSN Reset Request"
	case ParamSSNTSNReset:
		return "SSN/TSN Reset Request"
	case ParamReconfigResponse:
		return "Re-configuration Response"
	case ParamAddOutgoingStreams:
		return "Add Outgoing Streams Request"
	case ParamAddIncomingStreams:
		return "Add Incoming Streams Request"
	case ParamECNCapable:
		return "ECN Capable"
	case ParamZeroChecksumAcceptable:
		return "Zero Checksum Acceptable"
	case ParamRandom:
		return "RANDOM"
	case ParamChunkList:
		return "CHUNKS"
	case ParamHMACAlgo:
		return "HMAC-ALGO"
	case ParamPadding:
		return "Padding"
	case ParamSupportedExtensions:
		return "Supported Extensions"
	case ParamForwardTSN:
		return "Forward-TSN-Supported"
	case ParamAddIP:
		return "Add IP Address"
	case ParamDeleteIP:
		return "Delete IP Address"
	case ParamErrorCauseIndication:
		return "Error Cause Indication"
	case ParamSetPrimary:
		return "Set Primary Address"
	case ParamSuccessIndication:
		return "Success Indication"
	case ParamAdaptationIndication:
		return "Adaptation Layer Indication"
	}
	return fmt.Sprintf("parameter type 0x%04x", uint16(t))
}
