// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
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
	if a.state != StateEstablished && a.state != StateShutdownPending && a.state != StateShutdownReceived && a.state != StateShutdownSent {
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
		r.reject(a, p, seq)
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

func (r *reconfig) reject(a *Association, p *path, seq wire.Seq) {
	b := (&wire.ReconfigResponse{ResponseSeq: seq, Result: wire.ReconfigBadSequenceNumber}).Append(nil)
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
		a.begin6525([]*request{q})
	case len(r.after) == maxAfter:
		return answer(wire.ReconfigAlreadyInProgress)
	default:
		r.after = append(r.after, q)
	}
	return nil
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
		return !slices.ContainsFunc(a.queue.nextSSN, func(s wire.SSN) bool { return s != 0 })
	}
	return !slices.ContainsFunc(streams, func(id uint16) bool { return a.queue.nextSSN[id] != 0 })
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

// resetInbound is Section 5.2.2, E2 to E5.
func (a *Association) resetInbound(q *wire.StreamReset) wire.ReconfigResult {
	if a.tracker.cum.Less(q.LastTSN) {
		a.reconfig.deferred = &deferredReset{seq: q.RequestSeq, lastTSN: q.LastTSN, streams: slices.Clone(q.Streams)}
		return wire.ReconfigInProgress
	}
	a.reassembly.resetStreams(q.Streams)
	a.event(EventStreamReset{Inbound: true, Streams: slices.Clone(q.Streams)})
	return wire.ReconfigPerformed
}

// holdDeferred keeps a chunk that belongs after a reset which has to wait: E2:
// "any data arriving with a TSN larger than the Sender's Last Assigned TSN for
// the affected stream(s) MUST be queued locally and held".
func (a *Association) holdDeferred(d *wire.Data, p *path) bool {
	x := a.reconfig.deferred
	if x == nil || d.TSN.LessEq(x.lastTSN) || len(x.streams) > 0 && !slices.Contains(x.streams, d.Stream) {
		return false
	}
	held := heldData{d: *d, from: p}
	held.d.Payload = bytes.Clone(d.Payload)
	x.held = append(x.held, held)
	a.reassembly.held += len(d.Payload)
	a.reassembly.heldRuns++
	return true
}

// performDeferred resets the streams once the cumulative TSN is there.
func (a *Association) performDeferred(now time.Time) {
	x := a.reconfig.deferred
	if x == nil || a.tracker.cum.Less(x.lastTSN) {
		return
	}
	a.reconfig.deferred = nil
	a.reassembly.resetStreams(x.streams)
	a.event(EventStreamReset{Inbound: true, Streams: x.streams})
	for i := range a.reconfig.answer {
		if o := &a.reconfig.answer[i]; o.ResponseSeq == x.seq {
			o.Result = wire.ReconfigPerformed
		}
	}
	a.sendAnswer(a.dataPath())
	for i := range x.held { // E4: "MUST now be released and processed normally"
		h := &x.held[i]
		a.reassembly.held -= len(h.d.Payload)
		a.reassembly.heldRuns--
		if !a.reassembly.add(&h.d, h.from.remote) {
			a.abortViolation(now, "DATA chunk contradicts its neighbours' fragment flags")
			return
		}
	}
}

// resetBoth is Section 5.2.4. What is outstanding counts as acknowledged (G3);
// the user is told that it may not have arrived.
func (a *Association) resetBoth(now time.Time, seq wire.Seq) *wire.ReconfigResponse {
	if len(a.reconfig.current) > 0 && a.reconfig.begun && a.reconfig.current[0].kind == wire.ParamSSNTSNReset {
		return &wire.ReconfigResponse{ResponseSeq: seq, Result: wire.ReconfigAlreadyInProgress}
	}
	a.failOutstanding()
	receiver := a.tracker.cum.Add(1).Add(1 << 31) // G1
	sender := a.out.next                          // G2
	a.resetNumbers(sender, receiver)
	a.event(EventAssociationReset{LocalTSN: sender, PeerTSN: receiver})
	return &wire.ReconfigResponse{
		ResponseSeq: seq, Result: wire.ReconfigPerformed, HasTSNs: true, SenderNextTSN: sender, ReceiverNextTSN: receiver,
	}
}

// failOutstanding gives up what is outstanding, and the rest of a message of
// which something is.
func (a *Association) failOutstanding() {
	o := &a.out
	var last *outMessage
	give := func(m *outMessage, n int) {
		if m != last && !m.abandoned {
			last = m
			failed := m.message()
			failed.Data = bytes.Clone(failed.Data)
			a.event(EventSendFailed{Message: failed, Sent: true})
		}
		a.queue.acked(m, n)
	}
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		c := o.at(tsn)
		if c.state == chunkGapAcked {
			a.queue.acked(c.msg, int(c.n))
		} else {
			give(c.msg, int(c.n))
		}
		*c = outChunk{}
	}
	if m := a.queue.peek(); m != nil && m.cut > 0 {
		n := len(m.data) - m.cut
		a.queue.cutNext(n)
		give(m, n)
	}
}

// resetNumbers begins with new TSNs and SSNs in both directions (G4, G5, H5).
func (a *Association) resetNumbers(local, peer wire.TSN) {
	a.queue.resetSSNs(nil)
	a.out.init(local)
	a.fastRecovery = false
	a.ecn = ecnState{}
	a.forward.sent, a.forward.due = false, false
	a.tlp = lossProbe{}
	for _, p := range a.paths {
		p.flightSize, p.rttPending = 0, false
		p.stopT3()
		if p.rack != nil {
			*p.rack = rack{}
		}
	}
	if x := a.reconfig.deferred; x != nil {
		for i := range x.held {
			a.reassembly.held -= len(x.held[i].d.Payload)
			a.reassembly.heldRuns--
		}
		a.reconfig.deferred = nil
	}
	a.tracker.init(peer)
	a.reassembly.forget()
	a.ack.packets, a.ack.due, a.ack.delay = 0, false, nilTime
}

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
