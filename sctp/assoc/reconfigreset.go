// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

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
func (a *Association) holdDeferred(d *inData, p *path) bool {
	if a.resetUnderWay() {
		a.reconfig.held = append(a.reconfig.held, a.hold(d, p))
		return true
	}
	x := a.reconfig.deferred
	if x == nil || d.TSN.LessEq(x.lastTSN) || len(x.streams) > 0 && !slices.Contains(x.streams, d.Stream) {
		return false
	}
	x.held = append(x.held, a.hold(d, p))
	return true
}

func (a *Association) hold(d *inData, p *path) heldData {
	h := heldData{d: *d, from: p}
	h.d.Payload = bytes.Clone(d.Payload)
	a.reassembly.held += len(d.Payload)
	a.reassembly.heldRuns++
	return h
}

func (a *Association) unhold(h *heldData) {
	a.reassembly.held -= len(h.d.Payload)
	a.reassembly.heldRuns--
}

// resetUnderWay tells whether the peer may have reset everything for us without
// our knowing: its answer may be lost, or come late. Its next TSN is the one that
// follows (G2), so that data of before and after cannot be told apart until the
// answer says where the new numbers begin.
func (a *Association) resetUnderWay() bool {
	r := &a.reconfig
	return r.begun && len(r.current) > 0 && r.current[0].kind == wire.ParamSSNTSNReset && !r.current[0].done
}

// release processes what was held below a TSN, as data of before the reset.
func (a *Association) release(below wire.TSN) (ok bool) {
	r := &a.reconfig
	kept := r.held[:0]
	ok = true
	for i := range r.held {
		h := &r.held[i]
		if !h.d.TSN.Less(below) {
			kept = append(kept, *h)
			continue
		}
		a.unhold(h)
		ok = ok && a.reassemble(&h.d, h.from)
	}
	clear(r.held[len(kept):])
	r.held = kept
	return ok
}

// releaseReset processes what was held and belongs after the reset.
func (a *Association) releaseReset() (ok bool) {
	held := a.reconfig.held
	a.reconfig.held = nil
	ok = true
	for i := range held {
		h := &held[i]
		a.unhold(h)
		if a.tracker.check(h.d.TSN) == tsnNew {
			a.tracker.add(h.d.TSN)
			ok = ok && a.reassemble(&h.d, h.from)
		}
	}
	return ok
}

// releaseAtEnd processes what was held when the peer will not answer any more. A
// message whose number has been used tells that the peer has reset its streams
// nevertheless.
func (a *Association) releaseAtEnd() {
	r := &a.reassembly
	held := a.reconfig.held
	a.reconfig.held = nil
	slices.SortStableFunc(held, func(x, y heldData) int { return int(x.d.TSN.Diff(y.d.TSN)) })
	again := false
	for i := range held {
		d := &held[i].d
		a.unhold(&held[i])
		if a.tracker.cum.Less(d.TSN) {
			continue // the peer does not count it as delivered
		}
		if !again && d.Flags&wire.DataBegin != 0 && (r.used(d) || !r.interleaved && r.unfinished(&d.Data)) {
			again = true
			r.forget()
		}
		a.reassemble(d, held[i].from)
	}
	if again {
		r.forget() // what waits for one that seemed to be older
	}
}

// used tells whether an ordered message with the number of d's has been delivered.
func (r *reassembler) used(d *inData) bool {
	switch {
	case d.Flags&wire.DataUnordered != 0:
		return false
	case r.interleaved:
		st := r.knownInterleaved(d.Stream)
		return st != nil && int32(d.mid-st.next) < 0
	}
	st := r.known(d.Stream)
	return st != nil && d.SSN.Less(st.next)
}

// unfinished tells whether the message before that which d begins has no end, and
// has not been abandoned by the peer either.
func (r *reassembler) unfinished(d *wire.Data) bool {
	i := r.find(d.TSN)
	if i == 0 || r.runs[i-1].end || r.runs[i-1].last.Add(1) != d.TSN {
		return false
	}
	m := r.runs[i-1]
	return !r.partial || !m.unordered && m.stream == d.Stream && !m.ssn.Less(d.SSN)
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
		a.unhold(h)
		if !a.reassemble(&h.d, h.from) {
			a.abortViolation(now, h.d.contradiction(a.dataChunk()))
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
	give := func(m *outMessage, n int) {
		if !m.reported && !m.abandoned {
			m.reported = true
			failed := m.message()
			failed.Data = bytes.Clone(failed.Data)
			a.event(EventSendFailed{Message: failed, Sent: true})
		}
		a.queue.acked(m, n)
	}
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		c := o.at(tsn)
		give(c.msg, int(c.n)) // also if it is acknowledged in a gap block: what is before it is missing
		*c = outChunk{}
	}
	for _, m := range a.queue.begun() {
		n := len(m.data) - m.cut
		a.queue.remove(m)
		m.cut = len(m.data)
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
		p.cc.hystart.begun = false // its round ends with a TSN
		if p.rack != nil {
			*p.rack = rack{}
		}
	}
	if x := a.reconfig.deferred; x != nil {
		for i := range x.held {
			a.unhold(&x.held[i])
		}
		a.reconfig.deferred = nil
	}
	a.tracker.init(peer)
	a.reassembly.forget()
	a.ack.packets, a.ack.due, a.ack.delay = 0, false, nilTime
}
