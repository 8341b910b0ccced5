// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A hystart ends the first slow start of a path before it has filled the queue
// of the bottleneck twice over (HyStart++, RFC 9406): when the least RTT of a
// round has become longer than that of the round before, the window grows by a
// quarter as much for five rounds more, and then slow start is over. If the RTT
// becomes shorter again meanwhile, it was something else and slow start goes on.
type hystart struct {
	end           wire.TSN      // with it the round is over
	begun         bool          // there is a round
	last, current time.Duration // least RTT of the round before and of this one; 0: none
	samples       int           // of this round
	rounds        int           // of conservative slow start, this one included; 0: it is not
	baseline      time.Duration // the RTT when that began
}

// The constants of RFC 9406, Section 4.3.
const (
	hystartSamples  = 8 // N_RTT_SAMPLE
	hystartDivisor  = 8 // MIN_RTT_DIVISOR
	hystartLeast    = 4 * time.Millisecond
	hystartMost     = 16 * time.Millisecond
	hystartSlowdown = 4 // CSS_GROWTH_DIVISOR
	hystartRounds   = 5 // CSS_ROUNDS
)

// measure takes the RTT of what a SACK has acknowledged.
func (h *hystart) measure(rtt time.Duration) {
	rtt = max(rtt, 1)
	if h.current == 0 || rtt < h.current {
		h.current = rtt
	}
	h.samples++
	if h.samples < hystartSamples || h.last == 0 {
		return
	}
	if h.rounds > 0 {
		if h.current < h.baseline {
			h.rounds, h.baseline = 0, 0
		}
		return
	}
	if h.current >= h.last+min(max(h.last/hystartDivisor, hystartLeast), hystartMost) {
		h.rounds, h.baseline = 1, h.current
	}
}

// onAck begins a new round when all that was sent in the last one has been
// acknowledged, and tells whether slow start is over.
func (h *hystart) onAck(cum, next wire.TSN) (over bool) {
	if h.begun && cum.Less(h.end) {
		return false
	}
	if h.begun {
		h.last, h.current, h.samples = h.current, 0, 0
		if h.rounds > 0 {
			h.rounds++
		}
	}
	h.begun, h.end = true, next.Add(^uint32(0))
	return h.rounds > hystartRounds
}
