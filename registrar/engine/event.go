// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	EventRegistered   EventKind = iota + 1 // a pool element is new
	EventReregistered                      // a pool element registered again
	EventRejected                          // a registration or deregistration was refused for Err
	EventRemoved                           // a pool element has gone for Reason
	EventReported                          // somebody could not reach a pool element
	EventBadMessage                        // a message could not be parsed for Err
	EventPeerError                         // a peer sent ASAP_ERROR or ENRP_ERROR with the causes in Err

	EventOperational       // initialization is complete, with Peer as the mentor or, if that is 0, alone
	EventPeerUp            // Peer is alive, and was not known to be
	EventPeerDown          // Peer is dead
	EventTakeoverBegun     // the arbitration about Peer has begun
	EventTakeoverCompleted // the Count pool elements of Peer were taken over, by this registrar
	EventTakeoverLost      // Peer is taken over by another registrar, By
	EventTakeoverCancelled // Peer is alive
	EventResyncBegun       // the checksum of Peer differs
	EventResynchronized    // Peer was asked for its Count pool elements
	EventResyncFailed      // it did not answer, or its answer was refused for Err
	EventConflict          // Count pool elements of Peer were not taken over into the handlespace; Err is why the first
)

var eventNames = [...]string{
	"", "registered", "re-registered", "rejected", "removed", "reported unreachable", "bad message", "peer error",
	"operational", "peer up", "peer down", "takeover begun", "takeover completed", "takeover lost", "takeover cancelled",
	"resynchronization begun", "resynchronized", "resynchronization failed", "handlespaces conflict",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) && k != 0 {
		return eventNames[k]
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// Reason says why a pool element was removed.
type Reason uint8

// The reasons.
const (
	ReasonDeregistered Reason = iota + 1 // it wanted to
	ReasonLifeEnded                      // its registration life has ended
	ReasonAssocLost                      // its association was lost
	ReasonNoAnswer                       // a keep-alive was not answered in time
	ReasonReported                       // it was reported unreachable too often
	ReasonUpdate                         // its home registrar said so
	ReasonResync                         // its home registrar does not know it

	numReasons = iota + 1
)

func (r Reason) String() string {
	names := [...]string{"", "deregistered", "registration life ended", "association lost", "keep-alive not answered", "reported unreachable too often",
		"handle update", "resynchronization"}
	if int(r) < len(names) && r != 0 {
		return names[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// An Event is something worth a line in a log. Requests that change nothing, such as handle resolutions, cause none.
type Event struct {
	Kind   EventKind
	Assoc  uint64 // over which it happened; 0 if over none
	Handle param.PoolHandle
	ID     uint32 // PE identifier
	Reason Reason
	Peer   uint32 // the registrar that it is about
	By     uint32 // the registrar that did it
	Count  int
	Err    error
}

func (e *Engine) event(ev Event) { e.out.events.push(ev) }

// Stats counts what an Engine did since it was created.
type Stats struct {
	Registrations, Reregistrations, Deregistrations, Rejections uint64

	Resolutions       uint64 // handle resolutions answered, the failed ones included
	FailedResolutions uint64 // of these, with an error
	Limited           uint64 // requests above their rate
	Reports           uint64 // unreachable elements reported
	KeepAlives        uint64 // sent
	KeepAliveAcks     uint64 // received, and expected
	Announcements     uint64
	BadMessages       uint64             // could not be parsed
	Ignored           uint64             // not for a registrar
	Refused           uint64             // associations above the bound
	Aborts            uint64             // of associations whose last element did not answer
	Presences         uint64             // received
	UpdatesSent       uint64             // handle updates, one for all peers
	UpdatesReceived   uint64             // handle updates that were obeyed
	Resyncs           uint64             // begun
	ResyncsFailed     uint64             // of these
	Takeovers         uint64             // begun
	TakeoversDone     uint64             // completed by this registrar
	Adopted           uint64             // elements taken over
	PoolUpdates       uint64             // sent to subscribers
	Subscriptions     int                // to pools, now
	Conflicts         uint64             // pool elements of peers that the handlespace refused
	Peers             int                // now
	Removed           [numReasons]uint64 // by Reason
	Pools, Elements   int                // now
	Associations      int                // now
}

// Stats returns a snapshot of the counters.
func (e *Engine) Stats() Stats {
	s := e.stats
	s.Pools, s.Elements, s.Associations = e.space.NumPools(), e.space.NumElements(), len(e.assocs)
	s.Subscriptions = e.topics.subscriptions
	if e.scope != nil {
		s.Peers = len(e.scope.peers)
	}
	return s
}
