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
		if !a.reassemble(&h.d, h.from) {
			a.abortViolation(now, h.d.contradiction(wire.ChunkData))
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
		if c.state == chunkGapAcked {
			a.queue.acked(c.msg, int(c.n))
		} else {
			give(c.msg, int(c.n))
		}
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
