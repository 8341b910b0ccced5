// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An ackState decides when to acknowledge (RFC 9260, Section 6.2).
type ackState struct {
	packets    int  // packets with DATA since the last SACK
	immediate  bool // the batch asks for a SACK at once
	due        bool // a SACK is to be sent
	delay      time.Time
	first      bool  // no DATA chunk has arrived yet
	from       *path // where the last DATA came from
	advertised int   // a_rwnd of the last SACK
}

// What a message or a piece of one costs besides its data. a_rwnd counts it, so
// that tiny chunks cannot fill memory unseen. An unread message is a Message (80
// bytes) and a buffer, the least of which has 64 bytes.
const (
	perUnreadCost = 144
	perRunCost    = 192
)

// buffered is the memory received data takes up.
func (a *Association) buffered() int {
	r := &a.reassembly
	// A message that has been delivered in part is not in the window, or as many as fit it
	// would keep their own ends out. Memory counts it.
	return r.unread + r.unreadMessages*perUnreadCost + r.held + (r.heldRuns-len(r.begun))*perRunCost
}

// arwnd is the receive window to advertise. The part of a message that only
// more data can complete does not count, or a message larger than the window
// could never be received.
func (a *Association) arwnd() int {
	return a.inData(a.window(a.boundWindow(a.freeBuffer())))
}

// inData is how much data of the peer's messages memory is good for, once it has
// been seen that these are small. The peer counts data only: what it had in
// flight when the window came to an end would have to be dropped.
func (a *Association) inData(memory int) int {
	r := &a.reassembly
	if r.recent < manyMessages || r.recentBytes >= r.recent*perUnreadCost {
		return memory
	}
	size := r.recentBytes / r.recent
	return memory / (size + perUnreadCost) * size
}

// manyMessages is how many must have come before their size says something.
const manyMessages = 1024

// freeBuffer is what is left of the receive buffer.
func (a *Association) freeBuffer() int {
	head := min(a.reassembly.headIncomplete(a.tracker.cum), a.cfg.MaxMessageSize)
	return a.recvBuffer() - max(0, a.buffered()-head)
}

// window is the free memory, if it is worth while to offer it.
func (a *Association) window(w int) int {
	// RFC 9260, Section 6.2: "The receiver MUST also have an algorithm for
	// advertising its receive window to avoid receiver silly window syndrome".
	if w < a.leastWindow() {
		return 0
	}
	return w
}

func (a *Association) leastWindow() int { return min(a.recvBuffer()/2, a.cfg.MTU) }

// overCommitted tells whether DATA beyond what has arrived must be dropped.
// What a peer can send with the window it saw fits: its chunks cost more here
// than it counted, so the bound is twice the buffer.
func (a *Association) overCommitted() bool {
	head := min(a.reassembly.headIncomplete(a.tracker.cum), a.cfg.MaxMessageSize)
	return a.buffered()-head >= 2*a.recvBuffer() || a.ack.advertised == 0 && a.window(a.freeBuffer()) == 0
}

// handleData processes a DATA or I-DATA chunk. It reports whether the rest of
// the packet may be processed.
func (a *Association) handleData(now time.Time, p *path, c wire.Chunk) bool {
	d, err := a.parseInData(c)
	if err != nil {
		a.stats.BadPackets++
		return false
	}
	if !a.state.mayReceiveData() {
		return true // "SHOULD be discarded" (Section 6)
	}
	if a.Interleaving() != (c.Type == wire.ChunkIData) {
		a.abortViolation(now, wrongDataChunk(c.Type))
		return false
	}
	if len(d.Payload) == 0 {
		// Section 6.2: "it SHOULD send an ABORT chunk with a 'No User Data' error
		// cause."
		a.abort(now, c.Type.String()+" chunk without user data", wire.AppendNoUserData(nil, d.TSN))
		return false
	}
	a.stats.DataChunksReceived++
	if c.Type == wire.ChunkIData {
		a.stats.IDataChunksReceived++
	}
	a.ack.from = p
	switch a.tracker.check(d.TSN) {
	case tsnDuplicate:
		a.stats.DuplicateTSNs++
		a.tracker.addDuplicate(d.TSN)
		// "When a packet arrives with duplicate DATA chunk(s) and with no new DATA
		// chunk(s), the endpoint MUST immediately send a SACK chunk with no delay."
		a.ack.immediate = true
		return true
	case tsnBeyond:
		a.ack.immediate = true
		return true
	}
	if a.ecn.ce {
		// RFC 3168, Section 6.1.5: "the TCP data receiver SHOULD ignore the ECN field
		// on arriving data packets that are outside of the receiver's current window."
		a.ecn.marked(d.TSN)
		a.ecn.ce, a.ack.immediate = false, true
	}
	if a.overCommitted() && a.tracker.highest().Less(d.TSN) {
		// "When the receiver's advertised window is 0, the receiver MUST drop any
		// new incoming DATA chunk with a TSN larger than the largest TSN received so
		// far ... the receiver MUST immediately send back a SACK chunk".
		a.ack.immediate = true
		if a.stuck() {
			a.abort(now, "interleaved messages too large to reassemble", wire.AppendCause(nil, wire.CauseOutOfResource, nil))
			return false
		}
		return true
	}
	if !a.admits(now, &d) {
		a.ack.immediate = true
		return a.state != StateClosed
	}
	if int(d.Stream) >= a.reassembly.limit {
		// Section 6.5: "it SHOULD acknowledge the reception of the DATA chunk
		// following the normal procedure, immediately send an ERROR chunk with cause
		// set to 'Invalid Stream Identifier' ..., and discard the DATA chunk."
		a.tracker.add(d.TSN)
		a.ack.immediate = true
		a.replyError(p, wire.AppendInvalidStream(nil, d.Stream))
		return true
	}
	hadGaps := a.tracker.hasGaps()
	if !a.holdDeferred(&d, p) && !a.reassemble(&d, p) {
		a.abortViolation(now, d.contradiction(c.Type))
		return false
	}
	a.tracker.add(d.TSN)
	a.userData(now)
	a.performDeferred(now)
	if a.state == StateClosed {
		return false
	}
	a.reassembly.deliverHead(a)
	if a.tooLarge(&d) || a.stuck() {
		a.abort(now, "message too large to reassemble", wire.AppendCause(nil, wire.CauseOutOfResource, nil))
		return false
	}
	if d.Flags&wire.DataImmediate != 0 || hadGaps || a.tracker.hasGaps() || a.ack.first {
		// "Upon receipt of an SCTP packet containing a DATA chunk with the I bit
		// set, the receiver SHOULD NOT delay"; Section 6.7: "If the endpoint detects
		// a gap ..., it SHOULD send a SACK chunk with Gap Ack Blocks immediately";
		// Section 5.1: "After the reception of the first DATA chunk in an
		// association, the endpoint MUST immediately respond with a SACK chunk".
		a.ack.immediate = true
		a.ack.first = false
	}
	return true
}

// EndBatch is called when no more packets are at hand: it decides about the
// acknowledgement. "an acknowledgement SHOULD be generated for at least every
// second packet (not every second DATA chunk) received and SHOULD be generated
// within 200 ms"; a batch of packets read together gets one.
func (a *Association) EndBatch(now time.Time) {
	ack := &a.ack
	if ack.packets == 0 && !ack.immediate {
		return
	}
	switch {
	case a.state == StateClosed:
	case ack.immediate || ack.packets >= 2 || a.cfg.SackDelay < 0:
		ack.due = true
	case ack.delay.IsZero():
		ack.delay = now.Add(a.cfg.SackDelay)
	}
	ack.immediate = false
}

// appendSack appends the acknowledgement of all that has arrived.
func (a *Association) appendSack(b []byte, maxLen int) []byte {
	a.tracker.fill(&a.sackOut, maxLen)
	w := a.arwnd()
	a.sackOut.ARwnd = uint32(w)
	a.ack.advertised = w
	a.ack.packets, a.ack.due, a.ack.delay = 0, false, time.Time{}
	a.stats.SacksSent++
	return a.sackOut.Append(b)
}

// sackLen is the length the SACK chunk would have.
func (a *Association) sackLen() int {
	return wire.SackHeaderLen + 4*(len(a.tracker.ranges)+len(a.tracker.dups))
}

// handleHeartbeat answers with the same information. RFC 9260, Section 8.3:
// "copied unchanged from the received HEARTBEAT chunk".
func (a *Association) handleHeartbeat(p *path, c wire.Chunk) {
	switch a.state {
	case StateCookieEchoed, StateEstablished, StateShutdownPending, StateShutdownReceived:
		a.reply(p, wire.AppendChunk(nil, wire.ChunkHeartbeatAck, 0, c.Value))
	}
}

func (a *Association) handleHeartbeatAck(now time.Time, c wire.Chunk) {
	info, err := wire.ParseHeartbeat(c)
	if err != nil {
		a.stats.BadPackets++
		return
	}
	index, nonce, ok := parseHeartbeatInfo(info)
	p := a.heartbeatOf(index, nonce)
	if !ok || p == nil {
		return
	}
	rtt, ok := p.hb.answered(now, nonce)
	if !ok {
		a.onProbeAcked(now, p, nonce)
		return
	}
	p.rto.measure(rtt)
	// RFC 9260, Section 8.1: "The receiver of the HEARTBEAT ACK chunk MAY choose
	// not to clear the counter if there is outstanding data on the association."
	if a.out.count() == 0 {
		a.errorCount = 0
	}
	a.onHeartbeatAnswered(now, p)
	a.onBlackHole(now, p)
}
