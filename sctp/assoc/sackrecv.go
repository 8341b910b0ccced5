// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// missThreshold: RFC 9260, Section 7.2.4: "it SHOULD wait for two further miss
// indications ... for a total of three missing reports".
const missThreshold = 3

// handleSack processes a SACK chunk (RFC 9260, Section 6.2.1).
func (a *Association) handleSack(now time.Time, s *wire.Sack) {
	o := &a.out
	// D, i: "If Cumulative TSN Ack is less than the Cumulative TSN Ack Point,
	// then drop the SACK chunk."
	if s.CumTSNAck.Less(o.cumAck) {
		return
	}
	if !s.CumTSNAck.Less(o.next) {
		a.abortViolation(now, "SACK acknowledges a TSN that was never sent")
		return
	}
	gaps, ok := a.gapRanges(s)
	if !ok {
		a.stats.BadPackets++
		return
	}
	a.stats.SacksReceived++
	a.sackSinceProbe = true
	for _, p := range a.paths {
		p.sack = pathSack{flightBefore: p.flightSize}
	}
	advanced := s.CumTSNAck != o.cumAck
	ack := a.ackUpTo(now, s.CumTSNAck)
	ack = a.ackGaps(now, gaps, ack)

	if ack.any {
		// RFC 9260, Section 8.1: "The counter used for endpoint failure detection
		// MUST be reset each time a DATA chunk sent to that peer endpoint is
		// acknowledged".
		a.errorCount = 0
	}
	if a.fastRecovery && !o.cumAck.Less(a.fastRecoveryExit) {
		a.fastRecovery = false // D, iv
		for _, p := range a.paths {
			if p.rack != nil {
				p.rack.onRecovered()
			}
		}
	}
	for _, p := range a.paths {
		if p.sack.acked > 0 {
			p.timeouts, p.solo = 0, false
			// RFC 7829, Section 3.2, 9: "Acknowledgments for chunks that have been
			// transmitted to multiple destinations ... SHOULD NOT clear the error count
			// for an inactive destination address and SHOULD NOT move a destination
			// address in PF state back to active state"; 10: those "transmitted to one
			// destination address only MUST".
			if (p.sack.sole || p.usable()) && p.clear() {
				a.pathChanged(p)
				a.beginSearch(now, p)
			}
			a.dataAcked(now, p.sack.acked)
			if p.sack.rtt > 0 {
				p.rto.see(p.sack.rtt)
			}
			p.cc.onRound(p.sack.rtt, o.cumAck, o.next)
			if p.cc.westwood != nil {
				p.cc.westwood.measure(now, p.sack.rtt, p.rto.srtt, p.sack.acked)
			}
			flight := p.sack.flightBefore
			if p.pace.held {
				flight = max(flight, p.cc.cwnd) // the window would have been used
			}
			p.pace.held = false
			p.cc.onAck(now, p.rto.srtt, p.sack.acked, flight, a.fastRecovery || a.ecnRecovery())
		}
	}
	if a.cfg.LossDetection == LossDetectionRACK {
		a.updateRACK(s)
		a.detectLosses(now)
		a.onProbeAck(s, advanced)
	} else {
		a.countMisses(now, ack, advanced)
	}

	for _, p := range a.paths {
		switch {
		case p.flightSize == 0:
			p.stopT3() // Section 6.3.2, R2
		case p.sack.earliest:
			p.restartT3(now) // R3
		}
		p.cc.openBurst(p.sack.acked, a.cfg.MaxBurst)
		if o.count() == 0 {
			p.cc.onAllAcked()
		}
	}
	a.peerArwnd = int(s.ARwnd)
	a.onSackForward(now)
	if advanced {
		a.scheduleProbe(now)
	}
}

// A pathSack is what a SACK says about a path.
type pathSack struct {
	flightBefore int
	acked        int           // bytes newly acknowledged
	sole         bool          // some of them were sent nowhere else
	earliest     bool          // its earliest outstanding TSN was acknowledged
	lost         bool          // a chunk sent there was marked for fast retransmit
	rtt          time.Duration // of the latest that was sent once; 0: there is none

	first      wire.TSN // its earliest outstanding TSN before
	firstKnown bool
}

// An ackResult is what a SACK newly acknowledges.
type ackResult struct {
	any     bool
	highest wire.TSN // Highest TSN Newly Acknowledged (HTNA)

	gapBytes int      // acknowledged by gap ack blocks
	gapFirst wire.TSN // the lowest of these
}

// gapRanges turns the gap ack blocks into ascending, disjoint ranges above the
// cumulative TSN. It fails if one is inverted or was never sent.
func (a *Association) gapRanges(s *wire.Sack) ([]tsnRange, bool) {
	r := a.gapScratch[:0]
	sorted := true
	for i, g := range s.Gaps {
		first, last := s.CumTSNAck.Add(uint32(g.Start)), s.CumTSNAck.Add(uint32(g.End))
		if g.Start == 0 || g.Start > g.End || !last.Less(a.out.next) {
			return nil, false
		}
		sorted = sorted && (i == 0 || r[i-1].last.Less(first))
		r = append(r, tsnRange{first, last})
	}
	if !sorted {
		slices.SortFunc(r, func(x, y tsnRange) int { return int(x.first.Diff(y.first)) })
		n := 0
		for _, x := range r[1:] {
			if x.first.LessEq(r[n].last.Add(1)) {
				if r[n].last.Less(x.last) {
					r[n].last = x.last
				}
				continue
			}
			n++
			r[n] = x
		}
		r = r[:n+1]
	}
	a.gapScratch = r
	return r, true
}

// ackUpTo takes everything up to cum out of the ring.
func (a *Association) ackUpTo(now time.Time, cum wire.TSN) (ack ackResult) {
	o := &a.out
	for tsn := o.cumAck.Add(1); tsn.LessEq(cum); tsn = tsn.Add(1) {
		c := o.at(tsn)
		switch c.state {
		case chunkGapAcked:
		case chunkAbandoned:
			o.abandoned--
			a.onForwarded()
		default:
			ack.any, ack.highest = true, tsn
			c.path.sack.earliest = true
			a.ackChunk(now, tsn, c)
		}
		a.queue.acked(c.msg, int(c.n))
		*c = outChunk{}
	}
	o.cumAck = cum
	return ack
}

// ackChunk accounts for one newly acknowledged chunk.
func (a *Association) ackChunk(now time.Time, tsn wire.TSN, c *outChunk) {
	if r := c.path.rack; r != nil {
		r.delivered(now, a.since(now), tsn, c)
	}
	a.out.leave(c)
	s := &c.path.sack
	if rtt := a.since(now) - c.sent; !c.resent && (s.rtt == 0 || rtt < s.rtt) {
		s.rtt = max(rtt, 1)
	}
	s.acked += c.size()
	s.sole = s.sole || !c.moved
	c.path.onAcked(now, tsn)
}

// ackGaps compares the gap ack blocks with those of the last SACK, and looks
// only at the differences.
func (a *Association) ackGaps(now time.Time, gaps []tsnRange, ack ackResult) ackResult {
	o := &a.out
	tsn := o.cumAck.Add(1)
	i, j := 0, 0 // next old, next new range
	for ; i < len(o.gaps) && o.gaps[i].last.LessEq(o.cumAck); i++ {
	}
	for i < len(o.gaps) || j < len(gaps) {
		inOld := i < len(o.gaps) && o.gaps[i].first.LessEq(tsn)
		inNew := j < len(gaps) && gaps[j].first.LessEq(tsn)
		end := a.segmentEnd(tsn, i, j, inOld, inNew, gaps)
		switch {
		case inNew && !inOld:
			for t := tsn; t.LessEq(end); t = t.Add(1) {
				c := o.at(t)
				if c.state == chunkGapAcked || c.state == chunkAbandoned {
					continue
				}
				if s := &c.path.sack; !s.earliest && len(a.paths) > 1 && c.state == chunkInFlight {
					if !s.firstKnown {
						s.first, s.firstKnown = a.firstInFlight(c.path), true
					}
					s.earliest = t == s.first
				}
				a.ackChunk(now, t, c)
				c.state = chunkGapAcked
				if ack.gapBytes == 0 {
					ack.gapFirst = t
				}
				ack.gapBytes += c.size()
				ack.any, ack.highest = true, t
			}
		case inOld && !inNew:
			// D, iii: "consider the corresponding DATA that might be possibly
			// missing: Count one miss indication ..., and if no retransmit timer
			// is running ..., then T3-rtx is started".
			for t := tsn; t.LessEq(end); t = t.Add(1) {
				if c := o.at(t); c.state == chunkGapAcked {
					o.renege(c)
					c.misses++
					c.path.startT3(now)
				}
			}
		}
		tsn = end.Add(1)
		for ; i < len(o.gaps) && o.gaps[i].last.Less(tsn); i++ {
		}
		for ; j < len(gaps) && gaps[j].last.Less(tsn); j++ {
		}
	}
	o.gaps = append(o.gaps[:0], gaps...)
	return ack
}

// segmentEnd returns the last TSN up to which nothing changes: the end of the
// ranges tsn is in, or the TSN before the next begins.
func (a *Association) segmentEnd(tsn wire.TSN, i, j int, inOld, inNew bool, gaps []tsnRange) wire.TSN {
	end := a.out.next.Add(^uint32(0))
	limit := func(r tsnRange, in bool) {
		at := r.first.Add(^uint32(0))
		if in {
			at = r.last
		}
		if at.Less(end) {
			end = at
		}
	}
	if i < len(a.out.gaps) {
		limit(a.out.gaps[i], inOld)
	}
	if j < len(gaps) {
		limit(gaps[j], inNew)
	}
	return end
}

// firstInFlight is the earliest outstanding TSN of a path which has some.
func (a *Association) firstInFlight(p *path) wire.TSN {
	t := a.out.cumAck.Add(1)
	for ; t != a.out.next; t = t.Add(1) {
		if c := a.out.at(t); c.state == chunkInFlight && c.path == p {
			break
		}
	}
	return t
}

// reports is how often a SACK says that a chunk is missing: once, or as often
// as packets above it are newly acknowledged. Receivers that read batches send
// one SACK where RFC 9260, Section 6.2, has one for each packet while there is a
// gap; to wait for three would be to wait for three batches.
func (ack *ackResult) reports(tsn wire.TSN, pmdcs int) uint8 {
	if ack.gapBytes == 0 || ack.gapFirst.Less(tsn) {
		return 1
	}
	return uint8(min(max(ack.gapBytes/pmdcs, 1), missThreshold))
}

// countMisses implements fast retransmit (RFC 9260, Section 7.2.4).
func (a *Association) countMisses(now time.Time, ack ackResult, advanced bool) {
	o := &a.out
	if len(o.gaps) == 0 || !ack.any {
		return
	}
	// "miss indications are incremented only for missing TSNs prior to the HTNA
	// in the SACK chunk. ... If an endpoint is in Fast Recovery and a SACK
	// chunks arrives that advances the Cumulative TSN Ack Point, the miss
	// indications are incremented for all TSNs reported missing".
	limit := ack.highest
	if a.fastRecovery && advanced {
		limit = o.gaps[len(o.gaps)-1].last
	}
	marked := false
	tsn := o.cumAck.Add(1)
	for _, g := range o.gaps {
		for ; tsn.Less(g.first) && tsn.Less(limit); tsn = tsn.Add(1) {
			c := o.at(tsn)
			// A chunk sent again is missing only if something sent after that
			// has arrived.
			if c.state != chunkInFlight || c.fast || c.resent && ack.highest.Less(c.resentBefore) {
				continue
			}
			if c.misses += ack.reports(tsn, c.path.cc.pmdcs); c.misses < missThreshold {
				continue
			}
			o.mark(c)
			c.fast = true
			a.stats.FastRetransmissions++
			c.path.sack.lost = true
			marked = true
		}
		if !tsn.Less(limit) {
			break
		}
		tsn = g.last.Add(1)
	}
	if marked {
		a.enterFastRecovery(false)
	}
}

// enterFastRecovery follows chunks being marked as lost, unless they belong to
// the window that has already been reduced; again tells that they do not.
func (a *Association) enterFastRecovery(again bool) {
	o := &a.out
	a.retransmitFrom = o.cumAck.Add(1)
	if a.fastRecovery && !again {
		return
	}
	a.fastRecovery = true
	a.fastRecoveryExit = o.next.Add(^uint32(0))
	a.reducedAt = o.next
	a.tlp = lossProbe{samples: a.tlp.samples}
	// "When a Fast Retransmit is being performed, the sender SHOULD ignore the
	// value of cwnd and SHOULD NOT delay retransmission for this single packet."
	a.mayExceedCwnd = true
	for _, p := range a.paths {
		if p.sack.lost {
			p.cc.onFastRetransmit()
		}
	}
}
