// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/wire"
)

// A Message is one user message (RFC 9260, Section 11.1.5). Its Data is not
// kept by Send, and belongs to the caller after Recv.
type Message = assoc.Message

// A PPID is a payload protocol identifier (RFC 9260, Section 3.3.1). SCTP
// carries it without looking at it.
type PPID = wire.PPID

// An Event is what Conn.NextEvent returns: one of the Event types below.
type Event = assoc.Event

// The events of an association (RFC 9260, Section 11.2).
type (
	// EventCommUp comes first: the association is established.
	EventCommUp = assoc.EventCommUp
	// EventRestart: the peer lost its state and set the association up anew.
	EventRestart = assoc.EventRestart
	// EventCommLost comes last: the association is over.
	EventCommLost = assoc.EventCommLost
	// EventPeerShutdown: the peer began a graceful shutdown.
	EventPeerShutdown = assoc.EventPeerShutdown
	// EventPathChange: a path changed its state.
	EventPathChange = assoc.EventPathChange
	// EventSendFailed: a message could not be delivered.
	EventSendFailed = assoc.EventSendFailed
	// EventPeerError: the peer sent an ERROR chunk.
	EventPeerError = assoc.EventPeerError
	// EventStreamReset: ordered messages of streams are numbered from 0 again.
	EventStreamReset = assoc.EventStreamReset
	// EventAssociationReset: all streams and TSNs have begun anew.
	EventAssociationReset = assoc.EventAssociationReset
	// EventStreamChange: the number of streams has changed.
	EventStreamChange = assoc.EventStreamChange
	// EventLocalAddr: the peer has answered to a change of local addresses.
	EventLocalAddr = assoc.EventLocalAddr
	// EventPeerAddr: the peer has changed its addresses, or asked for another
	// primary one.
	EventPeerAddr = assoc.EventPeerAddr
)

// An AddrChange is what happened to an address (RFC 5061).
type AddrChange = assoc.AddrChange

// What happened to an address.
const (
	AddrAdded   = assoc.AddrAdded
	AddrRemoved = assoc.AddrRemoved
	AddrPrimary = assoc.AddrPrimary
)

// A PathInfo is a snapshot of a path, that is, of one address of the peer.
type PathInfo = assoc.PathInfo

// A CongestionControl is how the congestion windows of paths grow and shrink.
type CongestionControl = assoc.CongestionControl

// Congestion controls, chosen by Config.CongestionControl.
const (
	CongestionStandard = assoc.CongestionStandard // RFC 9260, Section 7.2
	CongestionCUBIC    = assoc.CongestionCUBIC    // RFC 8312
	CongestionWestwood = assoc.CongestionWestwood // CUBIC, with TCP Westwood+ for losses
)

// A LossDetection is how it is found out that something was lost.
type LossDetection = assoc.LossDetection

// Ways of loss detection, chosen by Config.LossDetection.
const (
	LossDetectionStandard = assoc.LossDetectionStandard // RFC 9260, Section 7.2.4
	LossDetectionRACK     = assoc.LossDetectionRACK     // RFC 8985
)

// A PathState is the state of a path.
type PathState = assoc.PathState

// The states of a path.
const (
	PathUnconfirmed = assoc.PathUnconfirmed
	PathActive      = assoc.PathActive
	PathInactive    = assoc.PathInactive
	// PathPotentiallyFailed: data avoids the path (RFC 7829).
	PathPotentiallyFailed = assoc.PathPotentiallyFailed
)

// An MTUState is how far the discovery of the MTU of a path is (RFC 8899, Section
// 5.2).
type MTUState = assoc.MTUState

// The states of path MTU discovery.
const (
	MTUDisabled       = assoc.MTUDisabled
	MTUBase           = assoc.MTUBase
	MTUSearching      = assoc.MTUSearching
	MTUSearchComplete = assoc.MTUSearchComplete
	MTUError          = assoc.MTUError
)

// A State is the state of an association (RFC 9260, Section 4).
type State = assoc.State
