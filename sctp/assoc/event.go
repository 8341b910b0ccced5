// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Message is one user message (RFC 9260, Section 11.1.5).
type Message struct {
	// Stream is the outbound stream, or the inbound one it arrived on.
	Stream uint16
	// PPID is the payload protocol identifier. It is not interpreted.
	PPID wire.PPID
	// Unordered messages are delivered as soon as they are complete.
	Unordered bool
	// Part says, on reception, whether Data is the message or a part of it. With
	// Config.PartialDeliveryPoint 0 it is PartWhole.
	Part Part
	// Data is the message; it holds at least one byte, unless Part is PartCut.
	Data []byte

	// Immediate asks the peer to acknowledge at once (the I bit; RFC 9260,
	// Section 3.3.1). It is not reported on reception.
	Immediate bool
	// Reliability is how much is done to deliver the message. The zero value is
	// all there is. It is not reported on reception.
	Reliability Reliability
	// Remote is, on reception, the address the last part came from.
	Remote netip.AddrPort
}

// An Event is something the association tells its user (RFC 9260, Section
// 11.2). It is one of the Event types below.
type Event interface{ event() }

// EventCommUp is COMMUNICATION UP: the association is established.
type EventCommUp struct {
	OutboundStreams, InboundStreams int
}

// EventRestart is the RESTART notification: the peer lost its state and set
// the association up anew. Messages of the old one which were not
// acknowledged are reported in EventSendFailed.
type EventRestart struct{}

// EventCommLost is COMMUNICATION LOST. No event follows.
type EventCommLost struct {
	// Err is nil after a graceful shutdown, or else says what ended the
	// association: *AbortError, *LostError.
	Err error
}

// EventPeerShutdown reports that the peer began a graceful shutdown: it takes
// no more messages, and nothing follows what it has sent already.
type EventPeerShutdown struct{}

// EventPathChange is NETWORK STATUS CHANGE: a path changed its state, or has
// become the primary one instead of one that failed (RFC 7829, Section 5).
type EventPathChange struct {
	Remote netip.AddrPort
	State  PathState
	// Primary says whether data goes here unless the path is inactive.
	Primary bool
}

// EventSendFailed is SEND FAILURE: a message was given up. Data of one that
// was never sent is whole.
type EventSendFailed struct {
	Message Message
	// Sent says that some of the message had been sent.
	Sent bool
	// Abandoned is the policy by which the message was abandoned; PRNone: it was
	// not, but the association has ended or changed.
	Abandoned PRPolicy
}

// EventPeerError is COMMUNICATION ERROR: the peer sent an ERROR chunk.
type EventPeerError struct {
	// Causes holds the raw error causes (wire.NextCause).
	Causes []byte
}

// EventStreamReset reports that ordered messages of streams are numbered from
// 0 again (RFC 6525, Section 6.1.1): after a request of ours, or one of the
// peer.
type EventStreamReset struct {
	// Inbound says that they are inbound streams.
	Inbound bool
	// Streams are their identifiers; none: all.
	Streams []uint16
	// Err is why a request of ours was not performed: a *ReconfigError.
	Err error
}

// EventAssociationReset reports that all streams and the TSNs have begun anew
// (RFC 6525, Section 6.1.2).
type EventAssociationReset struct {
	// LocalTSN and PeerTSN are the next TSNs of either side.
	LocalTSN, PeerTSN wire.TSN
	// Err is why a request of ours was not performed: a *ReconfigError.
	Err error
}

// EventStreamChange reports how many streams there are after a request for
// more, of ours or of the peer (RFC 6525, Section 6.1.3).
type EventStreamChange struct {
	OutboundStreams, InboundStreams int
	// Err is why a request of ours was not performed: a *ReconfigError.
	Err error
}

func (EventStreamReset) event()      {}
func (EventAssociationReset) event() {}
func (EventStreamChange) event()     {}

func (EventCommUp) event()       {}
func (EventRestart) event()      {}
func (EventCommLost) event()     {}
func (EventPeerShutdown) event() {}
func (EventPathChange) event()   {}
func (EventSendFailed) event()   {}
func (EventPeerError) event()    {}

// A PathState is the state of a path, that is, of a destination transport
// address (RFC 9260, Sections 5.4 and 8.2).
type PathState uint8

const (
	// PathUnconfirmed: no HEARTBEAT has been acknowledged from there yet.
	PathUnconfirmed PathState = iota
	// PathActive: usable.
	PathActive
	// PathPotentiallyFailed: more than PotentiallyFailed.Max.Retrans consecutive
	// errors; data goes elsewhere while HEARTBEATs tell whether it has failed (RFC
	// 7829, Section 3).
	PathPotentiallyFailed
	// PathInactive: more than Path.Max.Retrans consecutive errors.
	PathInactive
)

func (s PathState) String() string {
	switch s {
	case PathUnconfirmed:
		return "unconfirmed"
	case PathActive:
		return "active"
	case PathPotentiallyFailed:
		return "potentially failed"
	case PathInactive:
		return "inactive"
	}
	return "invalid"
}

// A PathInfo is a snapshot of a path.
type PathInfo struct {
	Local   netip.AddrPort // the local address it is sent from, or the zero value
	Remote  netip.AddrPort // peer's address and UDP encapsulation port
	State   PathState
	Primary bool

	SRTT, RTTVAR, RTO time.Duration
	ErrorCount        int
	// CongestionWindow, SlowStartThreshold and FlightSize are in bytes.
	CongestionWindow, SlowStartThreshold, FlightSize int
	// MTU is in bytes of IP packet.
	MTU int
	// MTUState is how far the discovery of the path MTU is (RFC 8899).
	MTUState MTUState
	// Retransmissions counts the DATA chunks that were sent there again.
	Retransmissions uint64
}

// Stats counts what an association did. Sizes are in bytes.
type Stats struct {
	PacketsSent, PacketsReceived           uint64
	DataChunksSent, DataChunksReceived     uint64
	IDataChunksSent, IDataChunksReceived   uint64 // among those, RFC 8260
	LossProbes                             uint64 // of RFC 8985
	ZeroChecksumsSent                      uint64 // packets without CRC32c, RFC 9653
	Retransmissions, FastRetransmissions   uint64
	T3Expirations                          uint64
	DuplicateTSNs                          uint64
	SacksSent, SacksReceived               uint64
	ForwardTSNsSent, ForwardTSNsReceived   uint64
	AbandonedUnsent, AbandonedSent         uint64 // messages; see Abandoned
	HeartbeatsSent, MTUProbesSent          uint64
	ICMPReceived, ICMPIgnored              uint64
	ECNEsSent, ECNEsReceived               uint64
	MessagesSent, MessagesReceived         uint64
	BytesSent, BytesReceived               uint64
	BadPackets                             uint64
	Restarts                               uint64
	SendQueueBytes, RecvQueueBytes, ARwnd  int
	PeerARwnd, OutstandingBytes            int
	InboundStreams, OutboundStreams, Paths int
	AuthStats
}
