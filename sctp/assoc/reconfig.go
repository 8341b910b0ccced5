// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Errors of requests to change the streams.
var (
	// ErrNotSupported: the peer has not announced the extension.
	ErrNotSupported = errors.New("sctp: the peer does not support this")
	// ErrRequestInProgress: "At any given time, there MUST NOT be more than one
	// request in flight" (RFC 6525, Section 5.1.1).
	ErrRequestInProgress = errors.New("sctp: another request to change the streams is in progress")
)

var errRestarted = errors.New("sctp: changing the streams: the peer has restarted the association")

// A ReconfigError says that a request to change the streams was not performed.
type ReconfigError struct {
	// Result is the peer's answer (RFC 6525, Section 4.4).
	Result wire.ReconfigResult
}

func (e *ReconfigError) Error() string {
	return "sctp: changing the streams: peer says: " + e.Result.String()
}

// A ReconfigRequest is what a peer may ask for (RFC 6525).
type ReconfigRequest int

// The requests of a peer.
const (
	ReconfigIncomingReset ReconfigRequest = 1 << iota // that we reset our outbound streams
	ReconfigOutgoingReset                             // that it resets its outbound streams
	ReconfigAssociation                               // that all streams and TSNs are reset
	ReconfigAddIncoming                               // that we add outbound streams
	ReconfigAddOutgoing                               // that it adds outbound streams

	// ReconfigAny is all of them.
	ReconfigAny = ReconfigIncomingReset | ReconfigOutgoingReset | ReconfigAssociation | ReconfigAddIncoming | ReconfigAddOutgoing
)

// A request is one parameter of a RE-CONFIG chunk of ours.
type request struct {
	kind     wire.ParamType
	seq      wire.Seq
	streams  []uint16 // to reset; none: all
	count    int      // to add
	answers  wire.Seq // Re-configuration Response Sequence Number
	implicit bool     // it is the answer to a request of the peer, which has that number
	done     bool
}

// A reconfig changes the streams of an association (RFC 6525).
type reconfig struct {
	next     wire.Seq // of our next request
	expected wire.Seq // of the peer's next request

	current []*request // one or two, waiting for data to go first or in flight
	after   []*request // asked for by the peer meanwhile
	begun   bool       // current has been sent
	due     bool       // … is to be sent
	timer   time.Time
	path    *path
	waiting bool // the peer has said "In progress": no errors are counted (H2)

	err      error  // of one of current
	finished uint64 // see Reconfigured
	result   error

	// The last requests of the peer, and what was answered.
	last, lastLen wire.Seq
	answer        []wire.ReconfigResponse
	deferred      *deferredReset
	held          []heldData // while an SSN/TSN Reset Request of ours is under way
}

// A deferredReset is an Outgoing SSN Reset Request of the peer which waits for
// data that was sent before it.
type deferredReset struct {
	seq     wire.Seq
	lastTSN wire.TSN
	streams []uint16
	held    []heldData
}

type heldData struct {
	d    inData
	from *path
}

func (r *reconfig) init(local, peer wire.TSN) {
	finished, result := r.finished, r.result
	if len(r.current) > 0 && !r.current[0].implicit {
		finished, result = finished+1, errRestarted
	}
	// Section 4.1: "It is a monotonically increasing number that is initialized to
	// the same value as the initial TSN."
	*r = reconfig{next: wire.Seq(local), expected: wire.Seq(peer), finished: finished, result: result}
}

// ResetStreams asks that ordered messages be numbered from 0 again: on outbound
// streams, inbound ones, or both. No ids are all streams. What was queued
// before is sent first; what is queued later waits for the answer, which is an
// EventStreamReset for each direction.
func (a *Association) ResetStreams(now time.Time, outbound, inbound bool, ids ...uint16) error {
	for _, id := range ids {
		if outbound && int(id) >= a.outbound || inbound && int(id) >= a.reassembly.limit {
			return fmt.Errorf("%w: %d", ErrInvalidStream, id)
		}
	}
	if len(ids) > maxResetStreams {
		return fmt.Errorf("sctp: %d streams to reset do not fit a packet: at most %d, or all", len(ids), maxResetStreams)
	}
	var rs []*request
	ids = slices.Clone(ids)
	if outbound {
		rs = append(rs, &request{kind: wire.ParamOutgoingReset, streams: ids})
	}
	if inbound {
		rs = append(rs, &request{kind: wire.ParamIncomingReset, streams: ids})
	}
	return a.ask(rs)
}

// maxResetStreams bounds the streams of one request, so that two of them fit
// the smallest packet. The rest is for another request, or for that for all.
const maxResetStreams = 100

// ResetAssociation asks that all streams and the TSNs begin anew, once all that
// was queued has been acknowledged. The answer is an EventAssociationReset.
func (a *Association) ResetAssociation(now time.Time) error {
	return a.ask([]*request{{kind: wire.ParamSSNTSNReset}})
}

// AddStreams asks for more streams. The answer is an EventStreamChange for each
// direction.
func (a *Association) AddStreams(now time.Time, outbound, inbound int) error {
	if outbound < 0 || inbound < 0 || a.outbound+outbound > 65535 || a.reassembly.limit+inbound > 65535 {
		return fmt.Errorf("%w: %d more outbound and %d more inbound streams: more than 65535", ErrInvalidStream, outbound, inbound)
	}
	var rs []*request
	if outbound > 0 {
		rs = append(rs, &request{kind: wire.ParamAddOutgoingStreams, count: outbound})
	}
	if inbound > 0 {
		rs = append(rs, &request{kind: wire.ParamAddIncomingStreams, count: inbound})
	}
	return a.ask(rs)
}

func (a *Association) ask(rs []*request) error {
	switch {
	case a.state == StateClosed && a.err != nil:
		return a.err
	case a.state != StateEstablished:
		return ErrShutdown
	case !a.ext.has(extReconfig):
		return ErrNotSupported
	case len(a.reconfig.current) > 0:
		return ErrRequestInProgress
	case len(rs) > 0:
		a.beginRequests(rs)
	}
	return nil
}

// beginRequests makes requests the current ones. The data queued by now goes first.
func (a *Association) beginRequests(rs []*request) {
	r := &a.reconfig
	r.current, r.begun, r.waiting = rs, false, false
	if resets(rs) {
		a.queue.setFence()
	}
}

func resets(rs []*request) bool {
	return slices.ContainsFunc(rs, func(q *request) bool {
		return q.kind == wire.ParamOutgoingReset || q.kind == wire.ParamSSNTSNReset
	})
}

// reconfigDue tells whether a RE-CONFIG chunk with requests is to be sent: when
// it has not been yet and all data before it has been sent (A3), or
// acknowledged (C2).
func (a *Association) reconfigDue() bool {
	r := &a.reconfig
	if len(r.current) == 0 || !a.state.mayTransmitData() {
		return false
	}
	if r.begun {
		return r.due
	}
	return !resets(r.current) || a.queue.atFence() && (r.current[0].kind != wire.ParamSSNTSNReset || a.out.count() == 0)
}

// appendReconfig appends the current requests.
func (k *packet) appendReconfig(now time.Time) {
	a, r := k.a, &k.a.reconfig
	if !r.begun {
		for _, q := range r.current {
			q.seq = r.next
			r.next++
			if !q.implicit {
				q.answers = r.expected - 1
			}
		}
	}
	chunk := (&wire.Reconfig{Params: a.requestParams()}).Append(nil)
	if len(chunk) > k.room() && len(k.b) > wire.HeaderLen {
		return // in the next packet
	}
	k.b = append(k.b, chunk...)
	r.begun, r.due, r.path = true, false, k.p
	k.p.tried = k.local
	r.timer = now.Add(k.p.rto.rto)
}

func (a *Association) requestParams() (b []byte) {
	r := &a.reconfig
	for _, q := range r.current {
		if q.done {
			continue
		}
		switch q.kind {
		case wire.ParamOutgoingReset:
			p := wire.StreamReset{RequestSeq: q.seq, ResponseSeq: q.answers, LastTSN: a.out.next.Add(^uint32(0)), Streams: q.streams}
			b = p.Append(b)
		case wire.ParamIncomingReset:
			b = (&wire.StreamReset{Incoming: true, RequestSeq: q.seq, Streams: q.streams}).Append(b)
		case wire.ParamSSNTSNReset:
			b = wire.AppendSSNTSNReset(b, q.seq)
		default:
			b = (&wire.AddStreams{Incoming: q.kind == wire.ParamAddIncomingStreams, RequestSeq: q.seq, Streams: uint16(q.count)}).Append(b)
		}
	}
	return b
}

// onReconfigTimeout: Section 5.1.1: "besides doubling the value, the sender MUST
// retransmit the RE-CONFIG chunk, increment the appropriate error counts (for
// both the association and the destination), and perform threshold management";
// but not after "In progress" (H2).
func (a *Association) onReconfigTimeout(now time.Time) {
	r := &a.reconfig
	r.timer, r.due = nilTime, true
	if r.waiting {
		r.waiting = false
		return
	}
	if a.pathTo(r.path.remote.Addr()) != r.path {
		return // the path has been deleted
	}
	r.path.rto.backOff()
	a.strike(now, r.path, true)
}

// finishRequest ends one of the current requests, and with the last of them
// begins those that the peer has asked for.
func (a *Association) finishRequest(q *request) {
	r := &a.reconfig
	q.done = true
	if slices.ContainsFunc(r.current, func(q *request) bool { return !q.done }) {
		return
	}
	if !q.implicit {
		r.finished++
		r.result, r.err = r.err, nil
	}
	r.current, r.timer, r.due = nil, nilTime, false
	a.queue.liftFence()
	if len(r.after) > 0 {
		next := r.after[0]
		r.after = r.after[1:]
		a.beginRequests([]*request{next})
	}
}

// Reconfigured is how many of the user's requests have been answered, and what
// the last answer was: nil, or a *ReconfigError.
func (a *Association) Reconfigured() (n uint64, err error) {
	return a.reconfig.finished, a.reconfig.result
}
