// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// maxAfter bounds the requests of ours that the peer may have asked for while
// another is in progress.
const maxAfter = 2

// handleReconfig processes a RE-CONFIG chunk (RFC 6525, Section 5.2). It tells
// whether the rest of the packet may be processed.
func (a *Association) handleReconfig(now time.Time, p *path, c wire.Chunk) bool {
	if !a.state.mayTransmitData() && !a.state.mayReceiveData() {
		return true
	}
	chunk, err := wire.ParseReconfig(c)
	if err != nil {
		a.stats.BadPackets++
		a.replyError(p, wire.AppendCause(nil, wire.CauseProtocolViolation, []byte("malformed RE-CONFIG chunk")))
		return true
	}
	var prm [2]wire.Param
	n := 0
	for x, err := range wire.Params(chunk.Params) {
		if err != nil {
			return true
		}
		prm[n] = x
		n++
	}
	if !wire.ReconfigAllowed(prm[0].Type, prm[1].Type) {
		// Section 3.1: "the receiver SHOULD send an ERROR chunk with a Protocol
		// Violation cause".
		a.replyError(p, wire.AppendCause(nil, wire.CauseProtocolViolation, []byte("RE-CONFIG chunk with these parameters")))
		return true
	}
	for _, x := range prm[:n] {
		if x.Type == wire.ParamReconfigResponse {
			a.handleReconfigResponse(now, x)
		}
	}
	a.handleRequests(now, p, slices.DeleteFunc(prm[:n:n], func(x wire.Param) bool { return x.Type == wire.ParamReconfigResponse }))
	return a.state != StateClosed
}

// handleRequests answers the requests of one chunk, with one chunk (Section
// 5.2.1).
func (a *Association) handleRequests(now time.Time, p *path, prms []wire.Param) {
	if len(prms) == 0 {
		return
	}
	r := &a.reconfig
	a.ack.due = a.ack.due || !a.ack.first // "a selective acknowledgment (SACK) chunk SHOULD be sent back"
	seq, ok := requestSeq(prms[0])
	if !ok {
		a.stats.BadPackets++
		return
	}
	switch {
	case seq == r.expected && a.resetUnderWay() && slices.ContainsFunc(prms, func(x wire.Param) bool { return x.Type == wire.ParamOutgoingReset }):
		// Data of before and after could not be told apart. The peer asks again.
		a.replyResult(p, seq, wire.ReconfigInProgress)
		return
	case seq == r.expected:
		r.last, r.lastLen, r.answer = seq, 0, r.answer[:0]
		for _, x := range prms {
			seq, ok := requestSeq(x)
			if !ok || seq != r.expected {
				a.stats.BadPackets++
				break
			}
			r.expected++
			r.lastLen++
			if result := a.request(now, p, x, seq); result != nil {
				r.answer = append(r.answer, *result)
			}
		}
	case r.lastLen > 0 && seq-r.last < r.lastLen:
		// A retransmission: "the same RE-CONFIG chunk MUST to be sent back in
		// response, as it was earlier". If that was a request of ours, it is still on
		// its way, or has been answered since.
		a.answerAgain(prms)
	default:
		a.rejectSeq(p, seq)
		return
	}
	a.sendAnswer(p)
}

func requestSeq(x wire.Param) (wire.Seq, bool) {
	if len(x.Value) < 4 {
		return 0, false
	}
	return wire.Seq(uint32(x.Value[0])<<24 | uint32(x.Value[1])<<16 | uint32(x.Value[2])<<8 | uint32(x.Value[3])), true
}

// rejectSeq answers a request that is neither the next one nor the last.
func (a *Association) rejectSeq(p *path, seq wire.Seq) {
	a.replyResult(p, seq, wire.ReconfigBadSequenceNumber)
}

func (a *Association) replyResult(p *path, seq wire.Seq, result wire.ReconfigResult) {
	b := (&wire.ReconfigResponse{ResponseSeq: seq, Result: result}).Append(nil)
	a.reply(p, (&wire.Reconfig{Params: b}).Append(nil))
}

// sendAnswer sends what has been answered to the last requests.
func (a *Association) sendAnswer(p *path) {
	var b []byte
	for i := range a.reconfig.answer {
		b = a.reconfig.answer[i].Append(b)
	}
	if len(b) == 0 {
		return
	}
	if p.state == PathUnconfirmed {
		p = a.dataPath()
	}
	a.reply(p, (&wire.Reconfig{Params: b}).Append(nil))
}

// answerAgain brings the answers up to date: an Incoming SSN Reset Request or
// an Add Incoming Streams Request is answered by a request of ours, which is
// sent again, or has been answered.
func (a *Association) answerAgain(prms []wire.Param) {
	r := &a.reconfig
	for _, x := range prms {
		seq, _ := requestSeq(x)
		if slices.ContainsFunc(r.answer, func(o wire.ReconfigResponse) bool { return o.ResponseSeq == seq }) {
			continue
		}
		mine := func(q *request) bool { return q.implicit && q.answers == seq && !q.done }
		switch {
		case slices.ContainsFunc(r.current, mine):
			r.due = r.due || r.begun
		case slices.ContainsFunc(r.after, mine):
		default:
			r.answer = append(r.answer, wire.ReconfigResponse{ResponseSeq: seq, Result: wire.ReconfigNothingToDo})
		}
	}
}

// request processes one request and returns its answer, if it is not a request
// of ours that answers it.
func (a *Association) request(now time.Time, p *path, x wire.Param, seq wire.Seq) *wire.ReconfigResponse {
	answer := func(result wire.ReconfigResult) *wire.ReconfigResponse {
		return &wire.ReconfigResponse{ResponseSeq: seq, Result: result}
	}
	denied := func(q ReconfigRequest) bool { return a.cfg.DenyReconfig&q != 0 }
	switch x.Type {
	case wire.ParamOutgoingReset:
		var q wire.StreamReset
		switch err := x.StreamReset(&q); {
		case err != nil:
			return answer(wire.ReconfigWrongSSN)
		case a.outOfRange(q.Streams, a.reassembly.limit):
			return answer(wire.ReconfigWrongSSN)
		case denied(ReconfigOutgoingReset):
			return answer(wire.ReconfigDenied)
		case q.LastTSN.Diff(a.tracker.cum) > maxTSNSpan:
			return answer(wire.ReconfigWrongSSN) // nothing like that has been sent
		}
		a.finishIncoming(wire.ParamIncomingReset, func(o *request) bool { return o.seq == q.ResponseSeq }, wire.ReconfigPerformed)
		return answer(a.resetInbound(&q))
	case wire.ParamIncomingReset:
		var q wire.StreamReset
		switch err := x.StreamReset(&q); {
		case err != nil, a.outOfRange(q.Streams, a.outbound):
			return answer(wire.ReconfigWrongSSN)
		case denied(ReconfigIncomingReset):
			return answer(wire.ReconfigDenied)
		case a.nothingToReset(q.Streams):
			return answer(wire.ReconfigNothingToDo)
		}
		return a.answerWith(answer, &request{kind: wire.ParamOutgoingReset, streams: slices.Clone(q.Streams), implicit: true, answers: seq})
	case wire.ParamSSNTSNReset:
		if denied(ReconfigAssociation) {
			return answer(wire.ReconfigDenied)
		}
		return a.resetBoth(now, seq)
	}
	q, err := x.AddStreams()
	switch {
	case err != nil || q.Streams == 0:
		return answer(wire.ReconfigDenied)
	case !q.Incoming:
		if denied(ReconfigAddOutgoing) || a.reassembly.limit+int(q.Streams) > a.cfg.MaxInboundStreams {
			return answer(wire.ReconfigDenied)
		}
		a.reassembly.limit += int(q.Streams)
		// It is the answer to the request of ours for as many.
		if !a.finishIncoming(wire.ParamAddIncomingStreams, func(o *request) bool { return o.count == int(q.Streams) }, wire.ReconfigPerformed) {
			a.event(EventStreamChange{OutboundStreams: a.outbound, InboundStreams: a.reassembly.limit})
		}
		return answer(wire.ReconfigPerformed)
	case denied(ReconfigAddIncoming) || a.outbound+int(q.Streams) > 65535:
		return answer(wire.ReconfigDenied)
	}
	if refused := a.answerWith(answer, &request{kind: wire.ParamAddOutgoingStreams, count: int(q.Streams), implicit: true, answers: seq}); refused != nil {
		return refused
	}
	// Section 5.2.6 has the request of ours as the only answer, but nothing in it
	// says what it answers, and there are peers that wait for a response.
	return answer(wire.ReconfigPerformed)
}

func (a *Association) outOfRange(streams []uint16, limit int) bool {
	return slices.ContainsFunc(streams, func(id uint16) bool { return int(id) >= limit })
}

// answerWith makes a request that the peer has asked for, now or after the one
// in progress.
func (a *Association) answerWith(answer func(wire.ReconfigResult) *wire.ReconfigResponse, q *request) *wire.ReconfigResponse {
	r := &a.reconfig
	switch {
	case a.state != StateEstablished:
		return answer(wire.ReconfigDenied) // we are about to end
	case len(r.current) == 0:
		a.beginRequests([]*request{q})
	case len(r.after) == maxAfter, a.yields():
		return answer(wire.ReconfigAlreadyInProgress)
	default:
		r.after = append(r.after, q)
	}
	return nil
}

// yields tells whether a request of the peer that only a request of ours can answer
// is to be refused: we have asked for the same kind of thing, "there MUST NOT be
// more than one request in flight" (Section 5.1.1) on either side, and so each would
// wait for the other for ever. One of the two sides gives way.
func (a *Association) yields() bool {
	return a.myTag < a.peerTag && slices.ContainsFunc(a.reconfig.current, func(q *request) bool {
		return !q.done && (q.kind == wire.ParamIncomingReset || q.kind == wire.ParamAddIncomingStreams)
	})
}

// nothingToReset tells whether outbound streams are at SSN 0, or about to be:
// Section 5.2.3: "If the Outgoing SSN Reset Request Parameter that was just sent
// completely overlaps the received Incoming SSN Reset Request Parameter, respond
// to the peer with an acknowledgment indicating that there was 'Nothing to do'."
func (a *Association) nothingToReset(streams []uint16) bool {
	for _, q := range a.reconfig.current {
		if q.kind != wire.ParamOutgoingReset || !a.reconfig.begun {
			continue
		}
		if len(q.streams) == 0 || len(streams) > 0 && containsEach(q.streams, streams) {
			return true
		}
	}
	if !a.queue.empty() {
		return false
	}
	if len(streams) == 0 {
		for id := range a.outbound {
			if !a.queue.atZero(uint16(id)) {
				return false
			}
		}
	}
	return !slices.ContainsFunc(streams, func(id uint16) bool { return !a.queue.atZero(id) })
}

func containsEach(list, want []uint16) bool {
	return !slices.ContainsFunc(want, func(id uint16) bool { return !slices.Contains(list, id) })
}

// finishIncoming ends a request of ours for something that the peer does now.
func (a *Association) finishIncoming(kind wire.ParamType, match func(*request) bool, result wire.ReconfigResult) bool {
	r := &a.reconfig
	if !r.begun {
		return false
	}
	for _, q := range r.current {
		if q.kind == kind && !q.done && match(q) {
			a.succeed(q, result, nil)
			a.finishRequest(q)
			return true
		}
	}
	return false
}
