// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// handleReconfigResponse is Section 5.2.7.
func (a *Association) handleReconfigResponse(now time.Time, x wire.Param) {
	resp, err := x.ReconfigResponse()
	if err != nil {
		a.stats.BadPackets++
		return
	}
	r := &a.reconfig
	if !r.begun {
		return
	}
	i := slices.IndexFunc(r.current, func(q *request) bool { return q.seq == resp.ResponseSeq && !q.done })
	if i < 0 {
		return // H1: "the processing of the Re-configuration Response Parameter is complete"
	}
	a.errorCount = 0
	q := r.current[i]
	switch resp.Result {
	case wire.ReconfigInProgress:
		r.timer, r.waiting = now.Add(r.path.rto.rto), true // H2
		return
	case wire.ReconfigPerformed, wire.ReconfigNothingToDo:
		if q.kind == wire.ParamSSNTSNReset && resp.Result == wire.ReconfigPerformed && !resp.HasTSNs {
			a.abortViolation(now, "answer to an SSN/TSN reset without TSNs")
			return
		}
		a.succeed(q, resp.Result, &resp)
	default:
		a.fail(q, &ReconfigError{Result: resp.Result})
	}
	a.finishRequest(q)
	if len(a.reconfig.held) == 0 {
		return
	}
	ok := true
	if resp.Result == wire.ReconfigPerformed {
		ok = a.releaseReset()
	} else {
		ok = a.release(a.tracker.highest().Add(1))
	}
	if !ok {
		a.abortViolation(now, "DATA chunk contradicts its neighbours' fragment flags")
	}
}

// succeed does what a request was about (H4 to H6).
func (a *Association) succeed(q *request, result wire.ReconfigResult, resp *wire.ReconfigResponse) {
	switch q.kind {
	case wire.ParamOutgoingReset:
		if result == wire.ReconfigPerformed {
			a.queue.resetSSNs(q.streams)
		}
		a.event(EventStreamReset{Streams: q.streams})
	case wire.ParamIncomingReset:
		if result == wire.ReconfigNothingToDo {
			a.event(EventStreamReset{Inbound: true, Streams: q.streams})
		} // else the reset that the peer begins with its own request is reported
	case wire.ParamSSNTSNReset:
		if result == wire.ReconfigPerformed {
			a.release(resp.SenderNextTSN)
			a.resetNumbers(resp.ReceiverNextTSN, resp.SenderNextTSN)
		}
		a.event(EventAssociationReset{LocalTSN: a.out.next, PeerTSN: a.tracker.cum.Add(1)})
	case wire.ParamAddOutgoingStreams:
		if result == wire.ReconfigPerformed {
			a.outbound += q.count
			a.queue.addStreams(q.count)
		}
		a.event(EventStreamChange{OutboundStreams: a.outbound, InboundStreams: a.reassembly.limit})
	case wire.ParamAddIncomingStreams:
		a.event(EventStreamChange{OutboundStreams: a.outbound, InboundStreams: a.reassembly.limit})
	}
}

func (a *Association) fail(q *request, err error) {
	if !q.implicit {
		a.reconfig.err = err
	}
	switch q.kind {
	case wire.ParamOutgoingReset, wire.ParamIncomingReset:
		a.event(EventStreamReset{Inbound: q.kind == wire.ParamIncomingReset, Streams: q.streams, Err: err})
	case wire.ParamSSNTSNReset:
		a.event(EventAssociationReset{LocalTSN: a.out.next, PeerTSN: a.tracker.cum.Add(1), Err: err})
	default:
		a.event(EventStreamChange{OutboundStreams: a.outbound, InboundStreams: a.reassembly.limit, Err: err})
	}
}
