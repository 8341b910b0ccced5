// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A LossDetection is how it is found out that a DATA chunk was lost.
type LossDetection int

const (
	// LossDetectionStandard counts three reports that a chunk is missing (RFC
	// 9260, Section 7.2.4), once for each chunk, and waits for T3-rtx otherwise.
	LossDetectionStandard LossDetection = iota
	// LossDetectionRACK is RACK-TLP (RFC 8985): a chunk is lost if one that was
	// sent later has arrived and a round trip with some room for reordering has
	// passed. It finds lost retransmissions, too, and probes the end of what was
	// sent when nothing is heard of it for two round trips.
	LossDetectionRACK
)

// A rack is the state of RACK on one path (RFC 8985, Section 5.3). Times of
// sending are relative to the association's begun.
type rack struct {
	xmit time.Duration // RACK.xmit_ts: when the latest chunk that was delivered was sent
	last wire.TSN      // … and its order among those sent at that time
	rtt  time.Duration // RACK.rtt; 0: nothing has been delivered
	// The RTT of the fastest chunk within a while (RACK.min_RTT).
	minRTT time.Duration
	minAt  time.Time

	fack      wire.TSN // the highest TSN delivered
	reordered bool     // RACK.reordering_seen
	timer     time.Time

	again bool // the SACK being processed has delivered a retransmission

	// RACK.reo_wnd_mult, RACK.reo_wnd_persist, RACK.dsack_round.
	mult, persist int
	dupRound      wire.TSN
	inDupRound    bool
}

const (
	// minRTTLife is how long a minimum is held against a path whose round trip
	// has become longer. RFC 8985, Section 6.2, step 1: "The sender SHOULD track
	// a windowed min-filtered estimate".
	minRTTLife = 10 * time.Second
	// reoWndPersist: Section 6.2, step 4: "up to 16 loss recoveries".
	reoWndPersist = 16
)

// delivered is RACK_update and RACK_detect_reordering (RFC 8985, Section 6.2,
// steps 1 to 3) for one chunk that is acknowledged at last.
func (r *rack) delivered(now time.Time, since time.Duration, tsn wire.TSN, c *outChunk) {
	rtt := since - c.sent
	if c.resent && rtt < r.minRTT {
		return // "The segment was last retransmitted less than RACK.min_rtt ago."
	}
	if !c.resent && (r.minRTT == 0 || rtt <= r.minRTT || now.Sub(r.minAt) > minRTTLife) {
		r.minRTT, r.minAt = max(rtt, 1), now
	}
	switch {
	case r.rtt == 0 || r.fack.Less(tsn):
		r.fack = tsn
	case tsn.Less(r.fack) && !c.resent:
		r.reordered = true
	}
	if last := c.order(tsn); r.rtt == 0 || c.sent > r.xmit || c.sent == r.xmit && r.last.Less(last) {
		r.xmit, r.last, r.again = c.sent, last, r.again || c.resent
	}
	r.rtt = max(rtt, 1)
}

// order is the highest TSN that had been sent when the chunk was. Chunks of one
// moment are told apart by it, and none with a higher TSN was sent earlier.
func (c *outChunk) order(tsn wire.TSN) wire.TSN {
	if c.resent {
		return c.resentBefore.Add(^uint32(0))
	}
	return tsn
}

// window is RACK.reo_wnd (step 4).
func (r *rack) window(recovering bool, sacked int, srtt time.Duration) time.Duration {
	if !r.reordered && (recovering || sacked >= missThreshold) {
		return 0
	}
	return min(time.Duration(max(r.mult, 1))*r.minRTT/4, srtt)
}

// onDuplicates widens the window for a round trip in which the peer reports
// chunks that it has got twice: they need not have been sent again.
func (r *rack) onDuplicates(o *outstanding) {
	if !r.inDupRound {
		r.inDupRound, r.dupRound = true, o.next
		r.mult = max(r.mult, 1) + 1
		r.persist = reoWndPersist
	}
}

func (r *rack) onAdvance(cum wire.TSN) {
	if r.inDupRound && !cum.Less(r.dupRound.Add(^uint32(0))) {
		r.inDupRound = false
	}
}

func (r *rack) onRecovered() {
	if r.persist--; r.persist <= 0 {
		r.mult = 1
	}
}

// lost tells whether a chunk in flight is lost (step 5), or how long it may
// still take until it is; 0 if nothing sent later has arrived.
func (r *rack) lost(since, window time.Duration, tsn wire.TSN, c *outChunk) (lost bool, wait time.Duration) {
	if r.rtt == 0 || c.sent > r.xmit || c.sent == r.xmit && !c.order(tsn).Less(r.last) {
		return false, 0
	}
	remaining := c.sent + r.rtt + window - since
	return remaining <= 0, max(remaining, 0)
}

// updateRACK takes from a SACK what does not belong to one chunk.
func (a *Association) updateRACK(s *wire.Sack) {
	for _, p := range a.paths {
		p.rack.onAdvance(a.out.cumAck)
		if len(s.Dups) > 0 {
			p.rack.onDuplicates(&a.out)
		}
	}
}

// since is the time by which chunks note when they were sent.
func (a *Association) since(now time.Time) time.Duration { return now.Sub(a.begun) }

// detectLosses is RACK_detect_loss_and_arm_timer for all paths.
func (a *Association) detectLosses(now time.Time) {
	o := &a.out
	scan := false
	limit := o.cumAck
	sacked := o.count() - o.inFlight - o.marked - o.abandoned
	for _, p := range a.paths {
		r := p.rack
		p.sack.lost = false
		scan = scan || r.again || !r.timer.IsZero()
		r.timer, r.again = nilTime, false
		if r.rtt != 0 && limit.Less(r.last) {
			limit = r.last
		}
	}
	if sacked == 0 && !scan {
		return // the steady state: what is in flight was sent after what has arrived
	}
	since := a.since(now)
	for _, p := range a.paths {
		p.reoWnd = p.rack.window(a.fastRecovery || p.timeouts > 0, sacked, p.rto.srtt)
	}
	marked, again := false, false
	for tsn := o.cumAck.Add(1); tsn.LessEq(limit) && tsn != o.next; tsn = tsn.Add(1) {
		c := o.at(tsn)
		if c.state != chunkInFlight {
			continue
		}
		p := c.path
		lost, wait := p.rack.lost(since, p.reoWnd, tsn, c)
		if !lost {
			if at := now.Add(wait); wait > 0 && at.After(p.rack.timer) {
				p.rack.timer = at
			}
			continue
		}
		again = again || c.resent && !c.resentBefore.Less(a.reducedAt)
		o.mark(c)
		c.fast = true
		a.stats.FastRetransmissions++
		p.sack.lost = true
		marked = true
	}
	if marked {
		a.enterFastRecovery(again)
	}
}

// markOnTimeout is RACK_mark_losses_on_RTO (RFC 8985, Section 6.3): "RACK
// marks the first outstanding segment as lost ...; for all the other segments,
// RACK only marks the segment as lost if the time elapsed since the segment was
// transmitted is at least the sum of the recent RTT and the reordering window."
func (a *Association) markOnTimeout(now time.Time, p *path) {
	first, since := true, a.since(now)
	old := p.rack.rtt + p.rack.window(true, 0, p.rto.srtt)
	a.markWhere(func(c *outChunk) bool {
		if c.path != p || !first && (p.rack.rtt != 0 && since-c.sent < old) {
			return false
		}
		first = false
		c.fast = false // to another path, if there is one
		return true
	})
	if p.flightSize > 0 {
		p.restartT3(now) // for the rest, which may stay alone here
	}
}
