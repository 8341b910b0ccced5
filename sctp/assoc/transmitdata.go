// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// maxNagle bounds how long a small message waits for others to share its
// packet with.
const maxNagle = time.Millisecond

// nagleEnough is how many bytes need not wait for others, however large packets
// may be.
const nagleEnough = 16 << 10

// dataTarget is the path a packet with data may go to now, or nil. RFC 9260,
// Section 6.1, C: "before sending new DATA chunks, the sender MUST first
// transmit any DATA chunks that are marked for retransmission (limited by the
// current cwnd)."
func (a *Association) dataTarget(now time.Time) *path {
	if !a.state.mayTransmitData() {
		return nil
	}
	a.dropExpired(now)
	if c, ok := a.nextMarked(now); ok {
		p := a.targetOf(c)
		if a.mayExceedCwnd || p.mayAdd() && !(a.windowClosed() && a.out.inFlight > 0) {
			return p
		}
		return nil
	}
	if a.queue.blocked() {
		return nil
	}
	p := a.dataPath()
	if !a.mayStartPacket(now, p) {
		return nil
	}
	return p
}

// mayStartPacket tells whether a packet of new data may be sent on a path now.
func (a *Association) mayStartPacket(now time.Time, p *path) bool {
	p.cc.onIdle(now, p.rto.rto)
	if !p.mayAdd() && !a.tlp.due {
		return false
	}
	// When nothing is in flight there, no SACK will open another burst: the path may
	// have become that of data since the last one.
	if !p.paced() && p.cc.burst <= 0 && p.flightSize > 0 && !a.tlp.due {
		return false
	}
	m := a.queue.peek()
	if !a.windowAdmits(now, p, min(len(m.data)-m.cut, a.maxFragment())) {
		return false
	}
	return (a.cfg.NoNagle || a.tlp.due || a.nagleAdmits(now, p)) && (!p.paced() || a.tlp.due || p.paceAdmits(now, a.cfg.MaxBurst))
}

// windowAdmits applies the peer's receive window (RFC 9260, Section 6.1, A). A
// window that does not take the next chunk while nothing is outstanding is
// probed: "The sender SHOULD send the first zero window probe after 1 RTO when
// it detects that the receiver has closed its window".
func (a *Association) windowAdmits(now time.Time, p *path, n int) bool {
	if a.out.count() >= maxTSNSpan {
		return false
	}
	if n <= a.peerRwnd() {
		a.probe.deadline, a.probe.due = nilTime, false
		return true
	}
	if a.out.count() > 0 {
		return false
	}
	if a.probe.due {
		return true
	}
	if a.probe.deadline.IsZero() {
		a.probe.deadline = now.Add(p.rto.rto)
	}
	return false
}

// nagleAdmits lets a packet go that is full, or the first outstanding, or the
// last before a shutdown. What remains waits for these, an acknowledgement, or
// a millisecond (RFC 9260, Section 6.1: "any delays that an SCTP
// implementation might be using to increase bundling efficiency").
func (a *Association) nagleAdmits(now time.Time, p *path) bool {
	full := a.queue.unsent+a.queue.len()*a.queue.header >= min(p.cc.pmdcs, nagleEnough)
	if full || a.out.inFlight == 0 || a.nagleOver || a.state != StateEstablished {
		return true
	}
	if a.nagle.IsZero() {
		wait := maxNagle
		if p.rto.srtt != 0 {
			wait = min(wait, p.rto.srtt)
		}
		a.nagle = now.Add(wait)
	}
	return false
}

// appendData fills the packet with DATA chunks, retransmissions first.
func (k *packet) appendData(now time.Time) {
	resent := k.appendMarked(now)
	k.p.tried = k.local
	if resent {
		k.resent = true
		k.a.mayExceedCwnd = false
	}
	if k.a.out.marked == 0 && !k.oversize && k.p == k.a.dataPath() {
		k.appendNew(now, resent)
	}
}

func (k *packet) appendMarked(now time.Time) (resent bool) {
	a := k.a
	for {
		c, ok := a.nextMarked(now)
		if !ok || a.targetOf(c) != k.p || !k.mayHold(c.msg.stream) {
			return resent
		}
		if c.size() > k.room() {
			if len(k.b) > wire.HeaderLen || len(k.b)+c.size()+a.authReserve() > cap(k.b) {
				return resent
			}
			k.oversize = true // the path MTU has shrunk since it was cut
		}
		tsn := a.retransmitFrom
		for _, p := range a.paths {
			p.onRetransmit(tsn)
		}
		a.out.resend(c, k.p)
		if k.p.rack != nil {
			c.sent = a.since(now)
		}
		if k.p.solo {
			c.flags |= wire.DataImmediate // it fills the window: see fillsWindow
		}
		a.stats.Retransmissions++
		k.p.resent++
		k.appendChunk(tsn, c)
		// RFC 9260, Section 6.1: "the sender MUST restart the timer if the earliest
		// (i.e., lowest TSN) outstanding DATA chunk sent to that address is being
		// retransmitted".
		if tsn == a.out.cumAck.Add(1) {
			k.p.restartT3(now)
		} else {
			k.p.startT3(now)
		}
		resent = true
	}
}

// appendNew cuts new chunks. Whether a packet may be started has been decided
// unless it holds retransmissions.
func (k *packet) appendNew(now time.Time, begun bool) {
	a, p := k.a, k.p
	if begun && (a.queue.blocked() || !a.mayStartPacket(now, p)) {
		return
	}
	first := true
	for {
		if a.dropExpired(now); a.queue.blocked() {
			break
		}
		n := k.nextCut(first)
		if n == 0 || !first && !a.windowAdmits(now, p, n) {
			break
		}
		if a.probe.due {
			a.probe = windowProbe{}
			a.sackSinceProbe = false
		}
		m, off, flags := a.queue.cutNext(n)
		if a.state == StateShutdownPending && a.queue.empty() {
			flags |= wire.DataImmediate // RFC 9260, Section 6.1: "The sender is in the SHUTDOWN-PENDING state."
		}
		c := outChunk{msg: m, path: p, off: int32(off), n: int32(n), flags: flags, fsn: m.fsn, sent: a.since(now)}
		m.fsn++
		if a.fillsWindow(&c) {
			c.flags |= wire.DataImmediate
		}
		tsn := a.out.add(c)
		if off == 0 {
			m.firstTSN = tsn
		}
		k.appendChunk(tsn, &c)
		p.cc.burst -= c.size()
		if p.paced() {
			p.pace.credit -= c.size()
		}
		p.startT3(now)
		p.startRTT(now, tsn)
		first = false
	}
	if !first {
		a.queue.endPacket()
		k.fresh = true
		p.cc.onSent(now)
		a.nagle, a.nagleOver = nilTime, false
		a.probed(now)
	}
}

// fillsWindow tells whether a chunk is the last one for now because of a
// window. The peer might wait for a second packet before it acknowledges, in
// vain. RFC 9260, Section 6.1, names it as a reason for the I bit: "The sending
// of a DATA chunk fills the congestion or receiver window."
func (a *Association) fillsWindow(c *outChunk) bool {
	if a.queue.blocked() {
		return false
	}
	m := a.queue.peek()
	next := min(len(m.data)-m.cut, a.maxFragment())
	return c.path.solo || !c.path.cc.mayAddTo(c.path.flightSize+c.size()) || a.peerRwnd()-int(c.n) < next
}

// nextCut is the size of the next fragment for this packet, or 0 if it goes
// into the next one. A message that fits a packet is not cut; a larger one
// fills what is left of the packet, if that is worth a header.
func (k *packet) nextCut(first bool) int {
	m := k.a.queue.peek()
	left := len(m.data) - m.cut
	if !k.mayHold(m.stream) || !first && left > k.room()-k.a.queue.header && k.a.queue.onlyWhole() {
		return 0
	}
	most := k.a.maxFragment()
	room := k.room() - k.a.queue.header
	switch {
	case left <= room && left <= most:
		return left
	case m.cut == 0 && left <= most, room < most/4:
		return 0
	}
	return min(room, most) &^ 3
}

// resetTransmission forgets all that was queued and sent.
func (a *Association) resetTransmission() {
	a.queue = sendQueue{}
	a.out = outstanding{}
	a.fastRecovery, a.mayExceedCwnd = false, false
	a.tlp = lossProbe{}
	a.nagle, a.nagleOver = nilTime, false
	a.probe = windowProbe{}
	a.forward.sent, a.forward.due = false, false
}

// undoBundledData puts what went with a COOKIE ECHO back: the association
// begins anew, and nothing of it has been accepted.
func (a *Association) undoBundledData() {
	if a.out.count() == 0 {
		return
	}
	a.queue.uncut(&a.out)
	for _, p := range a.paths {
		p.flightSize, p.rttPending = 0, false
		p.stopT3()
	}
	a.out.init(a.initTSN)
}
