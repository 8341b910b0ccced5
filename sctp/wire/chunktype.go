// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// A ChunkType is the first byte of a chunk.
type ChunkType uint8

// Chunk types. RFC 9260, Table 1, unless noted.
const (
	ChunkData             ChunkType = 0
	ChunkInit             ChunkType = 1
	ChunkInitAck          ChunkType = 2
	ChunkSack             ChunkType = 3
	ChunkHeartbeat        ChunkType = 4
	ChunkHeartbeatAck     ChunkType = 5
	ChunkAbort            ChunkType = 6
	ChunkShutdown         ChunkType = 7
	ChunkShutdownAck      ChunkType = 8
	ChunkError            ChunkType = 9
	ChunkCookieEcho       ChunkType = 10
	ChunkCookieAck        ChunkType = 11
	ChunkECNE             ChunkType = 12
	ChunkCWR              ChunkType = 13
	ChunkShutdownComplete ChunkType = 14
	ChunkAuth             ChunkType = 0x0f // RFC 4895
	ChunkIData            ChunkType = 0x40 // RFC 8260
	ChunkAsconfAck        ChunkType = 0x80 // RFC 5061
	ChunkReconfig         ChunkType = 0x82 // RFC 6525
	ChunkPad              ChunkType = 0x84 // RFC 4820
	ChunkForwardTSN       ChunkType = 0xc0 // RFC 3758
	ChunkAsconf           ChunkType = 0xc1 // RFC 5061
	ChunkIForwardTSN      ChunkType = 0xc2 // RFC 8260
)

// FlagT is the T bit of ABORT and SHUTDOWN COMPLETE: the sender did not know
// the verification tag the receiver expects and reflected the one it saw.
//
// RFC 9260, Section 3.3.7: "The T bit is set to 0 if the sender filled in the
// Verification Tag expected by the peer. If the Verification Tag is reflected,
// the T bit MUST be set to 1."
const FlagT uint8 = 0x01

// An UnknownAction is what an endpoint which does not know a chunk or
// parameter type does with it (RFC 9260, Tables 2 and 3).
type UnknownAction struct {
	Stop   bool // process nothing after it in the packet (the chunk, for a parameter)
	Report bool // tell the peer: Unrecognized Chunk Type or Unrecognized Parameters
}

// UnknownAction returns the action encoded in the highest two bits of t.
//
// RFC 9260, Section 3.2: "Chunk Types are encoded such that the highest-order
// 2 bits specify the action that is taken if the processing endpoint does not
// recognize the Chunk Type."
func (t ChunkType) UnknownAction() UnknownAction {
	return UnknownAction{Stop: t&0x80 == 0, Report: t&0x40 != 0}
}

// String returns the name of the chunk type as its RFC spells it.
func (t ChunkType) String() string {
	switch t {
	case ChunkData:
		return "DATA"
	case ChunkInit:
		return "INIT"
	case ChunkInitAck:
		return "INIT ACK"
	case ChunkSack:
		return "SACK"
	case ChunkHeartbeat:
		return "HEARTBEAT"
	case ChunkHeartbeatAck:
		return "HEARTBEAT ACK"
	case ChunkAbort:
		return "ABORT"
	case ChunkShutdown:
		return "SHUTDOWN"
	case ChunkShutdownAck:
		return "SHUTDOWN ACK"
	case ChunkError:
		return "ERROR"
	case ChunkCookieEcho:
		return "COOKIE ECHO"
	case ChunkCookieAck:
		return "COOKIE ACK"
	case ChunkECNE:
		return "ECNE"
	case ChunkCWR:
		return "CWR"
	case ChunkShutdownComplete:
		return "SHUTDOWN COMPLETE"
	case ChunkAuth:
		return "AUTH"
	case ChunkIData:
		return "I-DATA"
	case ChunkAsconfAck:
		return "ASCONF-ACK"
	case ChunkReconfig:
		return "RE-CONFIG"
	case ChunkPad:
		return "PAD"
	case ChunkForwardTSN:
		return "FORWARD TSN"
	case ChunkAsconf:
		return "ASCONF"
	case ChunkIForwardTSN:
		return "I-FORWARD-TSN"
	}
	return fmt.Sprintf("chunk type 0x%02x", uint8(t))
}
