// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A lossProbe is the state of TLP (RFC 8985, Section 7): when nothing has been
// heard of the last packets for two round trips, one more is sent so that the
// peer says what it lacks, long before T3-rtx expires.
type lossProbe struct {
	timer   time.Time // PTO
	due     bool      // a packet of new data may go out beyond the congestion window
	active  bool      // one is unacknowledged
	again   bool      // TLP.is_retrans: it was sent before
	end     wire.TSN  // TLP.end_seq, less one
	samples uint32    // of the RTT when it was sent
}

// maxAckDelay is TLP.max_ack_delay: how long most peers wait for a second
// packet before they acknowledge one (RFC 9260, Section 6.2).
const maxAckDelay = 200 * time.Millisecond

// scheduleProbe starts the PTO timer (RFC 8985, Section 7.2) "after
// transmitting new data ... or upon receiving an ACK that cumulatively
// acknowledges new data unless it is already in fast recovery, RTO recovery, or
// segments have been SACKed".
func (a *Association) scheduleProbe(now time.Time) {
	t := &a.tlp
	t.timer = nilTime
	if a.cfg.LossDetection != LossDetectionRACK {
		return
	}
	p := a.dataPath()
	if p.t3RTX.IsZero() || p.flightSize == 0 {
		return
	}
	if a.fastRecovery || p.timeouts > 0 || a.windowClosed() || len(a.out.gaps) > 0 || a.out.marked > 0 {
		return
	}
	pto := time.Second
	if p.rto.srtt > 0 {
		pto = 2 * p.rto.srtt
		if p.flightSize <= p.cc.pmdcs {
			pto += maxAckDelay
		}
	}
	t.timer = now.Add(pto)
	if p.t3RTX.Before(t.timer) {
		t.timer = p.t3RTX
	}
}

// probed notes that new data was sent: by itself, or as the probe.
func (a *Association) probed(now time.Time) {
	if a.tlp.due {
		a.tlp.due = false
		return
	}
	a.scheduleProbe(now)
}

// onProbeTimeout is TLP_send_probe (Section 7.3).
func (a *Association) onProbeTimeout(now time.Time) {
	t := &a.tlp
	t.timer = nilTime
	p := a.dataPath()
	if p.flightSize == 0 || !a.state.mayTransmitData() {
		return
	}
	// "there is no other previous loss probe still in flight", and "the sender
	// has obtained an RTT measurement since the last loss probe transmission".
	if t.active || p.rto.samples == t.samples {
		return // T3-rtx goes on
	}
	t.samples = p.rto.samples
	last := a.out.next.Add(^uint32(0))
	c := a.out.at(last)
	if m := a.queue.peek(); !a.queue.blocked() && min(len(m.data)-m.cut, a.maxFragment()) <= a.peerRwnd() && a.out.count() < maxTSNSpan {
		t.due, t.active, t.again = true, true, false // "transmit a previously unsent data segment"
		t.end = a.out.next
	} else if c.state == chunkInFlight && c.path == p && !a.mustAbandon(now, c) {
		t.active, t.again, t.end = true, true, last // "retransmit the highest-sequence segment sent so far"
		a.out.mark(c)
		c.fast = true // on the same path
		a.retransmitFrom = last
		a.mayExceedCwnd = true
	} else {
		return
	}
	a.stats.LossProbes++
	p.restartT3(now) // "the sender MUST re-arm the RTO timer"
}

// onProbeAck is TLP_process_ack (Section 7.4.2).
func (a *Association) onProbeAck(s *wire.Sack, advanced bool) {
	t := &a.tlp
	cum := a.out.cumAck
	if !t.active || cum.Less(t.end) {
		return
	}
	switch {
	case !t.again, slices.Contains(s.Dups, t.end), !advanced && len(s.Gaps) == 0:
		t.active = false // nothing was lost
	case t.end.Less(cum):
		// "Repaired the single loss": the peer would have reported the probe as a
		// duplicate otherwise.
		t.active = false
		a.dataPath().cc.onFastRetransmit()
	}
}
