// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math"
	"time"
)

// A westwood tells a loss by congestion from another one (TCP Westwood+, by
// Grieco and Mascolo): it measures at what rate data is acknowledged, and what
// the round trip takes without a queue. Their product is what the path holds;
// after a loss the window goes back to that, and not by a fixed factor. If the
// loss came from a full queue, that is as far back as with others.
type westwood struct {
	minRTT time.Duration
	rate   float64   // bytes per second, smoothed
	since  time.Time // when acked began to be counted
	acked  int
}

const (
	// westwoodLeast is the least time a rate is measured over.
	westwoodLeast = 50 * time.Millisecond
	// westwoodBeta is the greatest part of the window that a loss costs: that
	// of CUBIC.
	westwoodBeta = cubicBeta
)

// measure notes what a SACK acknowledges, and its RTT (0: it has none).
func (w *westwood) measure(now time.Time, rtt, srtt time.Duration, acked int) {
	if rtt > 0 && (w.minRTT == 0 || rtt < w.minRTT) {
		w.minRTT = rtt
	}
	if w.since.IsZero() {
		w.since = now
		return
	}
	w.acked += acked
	took := now.Sub(w.since)
	if took < max(srtt, westwoodLeast) {
		return
	}
	sample := float64(w.acked) / took.Seconds()
	if w.rate == 0 {
		w.rate = sample
	} else {
		w.rate += (sample - w.rate) / 8
	}
	w.since, w.acked = now, 0
}

// window is that after a loss: what the path holds, but not more than there was.
func (w *westwood) window(cwnd, pmdcs int) int {
	holds := int(w.rate * w.minRTT.Seconds())
	return max(min(max(holds, int(westwoodBeta*float64(cwnd))), cwnd), 4*pmdcs)
}

// onLossTo makes the window grow again from where a loss that is none of
// congestion has left it. As there is nobody else whose share was taken, it
// grows at least as the standard's does.
func (c *cubic) onLossTo(ssthresh, cwnd, pmdcs int) int {
	c.wMax, c.wLastMax = float64(cwnd), float64(cwnd)
	c.k = math.Cbrt(float64(max(cwnd-ssthresh, 0)) / float64(pmdcs) / cubicC)
	c.beta, c.alpha = float64(ssthresh)/float64(cwnd), 1
	c.epoch, c.timedOut = time.Time{}, false
	return ssthresh
}
