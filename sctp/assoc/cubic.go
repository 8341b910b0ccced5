// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math"
	"time"
)

// A CongestionControl is how the congestion window of a path grows and
// shrinks.
type CongestionControl int

const (
	// CongestionStandard is that of RFC 9260, Section 7.2: one packet more each
	// round trip, half of the window less after a loss.
	CongestionStandard CongestionControl = iota
	// CongestionCUBIC is that of RFC 8312: after a loss the window is back
	// where it was within a time that does not depend on the round trip. On
	// paths with a large product of rate and delay it wastes less of them; on
	// others it does as the standard.
	CongestionCUBIC
	// CongestionWestwood is CUBIC that looks at the round trip after a loss (TCP
	// Westwood+): as far as there is no queue, the loss is not one of congestion
	// and costs nothing of the window. It is for paths that lose packets by
	// themselves, as radio does.
	CongestionWestwood
)

const (
	cubicC    = 0.4 // RFC 8312, Section 5.1: "C SHOULD be set to 0.4"
	cubicBeta = 0.7 // Section 4.5: "beta_cubic SHOULD be set to 0.7"
)

// A cubic is the state of CUBIC (RFC 8312) on one path. Windows are in bytes.
type cubic struct {
	wMax, wLastMax float64
	k              float64   // seconds until the window is wMax again
	beta, alpha    float64   // what the loss left of wMax, and packets more in a round trip at least
	epoch          time.Time // of the current congestion avoidance; zero: it has not begun
	last           time.Time // acknowledgement
	timedOut       bool      // the loss that began it was found by T3-rtx
}

// onLoss returns the window after a loss. Section 4.5: "W_max = cwnd";
// "ssthresh = cwnd * beta_cubic", with the floor of RFC 9260; and Section
// 4.6, fast convergence.
func (c *cubic) onLoss(cwnd, pmdcs int) int {
	c.wMax = float64(cwnd)
	if c.wMax < c.wLastMax {
		c.wLastMax = c.wMax
		c.wMax *= (1 + cubicBeta) / 2
	} else {
		c.wLastMax = c.wMax
	}
	// Eq. 2: "K = cubic_root(W_max*(1-beta_cubic)/C)", in packets.
	c.k = math.Cbrt(c.wMax / float64(pmdcs) * (1 - cubicBeta) / cubicC)
	c.beta, c.alpha = cubicBeta, 3*(1-cubicBeta)/(1+cubicBeta)
	c.epoch, c.timedOut = time.Time{}, false
	return max(int(float64(cwnd)*cubicBeta), 4*pmdcs)
}

// onTimeout: Section 4.7: "K is set to 0, and W_max is set to the congestion
// window size at the beginning of the current congestion avoidance", which is
// yet to come.
func (c *cubic) onTimeout(cwnd, pmdcs int) int {
	ssthresh := c.onLoss(cwnd, pmdcs)
	c.timedOut = true
	return ssthresh
}

// pause takes the time since the last acknowledgement out of t. Section 5.8:
// "In case of long periods when cwnd has not been updated due to the
// application rate limit, such as idle periods, t in Eq. 1 MUST NOT include
// these periods".
func (c *cubic) pause(now time.Time) {
	if !c.epoch.IsZero() {
		c.epoch = c.epoch.Add(now.Sub(c.last))
	}
	c.last = now
}

// grow returns the window after an acknowledgement in congestion avoidance,
// where all of it has been in use (Sections 4.1 to 4.4).
func (c *cubic) grow(now time.Time, srtt time.Duration, cwnd, acked, pmdcs int) int {
	switch {
	case c.epoch.IsZero():
		c.epoch, c.last = now, now
		if c.timedOut || c.wMax == 0 { // or slow start has ended without a loss (Section 4.8)
			c.wMax, c.k = float64(cwnd), 0
			c.beta, c.alpha = cubicBeta, 3*(1-cubicBeta)/(1+cubicBeta)
		}
	case now.Sub(c.last) > srtt+maxSackDelay:
		c.pause(now) // nothing was in flight
	}
	c.last = now
	w, packet := float64(cwnd), float64(pmdcs)
	t, rtt := now.Sub(c.epoch).Seconds(), srtt.Seconds()

	// Eq. 4: "W_est(t) = W_max*beta_cubic + [3*(1-beta_cubic)/(1+beta_cubic)] *
	// (t/RTT)".
	if rtt > 0 {
		est := c.wMax*c.beta + c.alpha*(t/rtt)*packet
		if c.at(t, packet) < est {
			return max(cwnd, int(est))
		}
	}
	// "cwnd MUST be incremented by (W_cubic(t+RTT) - cwnd)/cwnd for each received
	// ACK", of one packet; by at most half of it in a round trip, as in slow
	// start with every second packet acknowledged.
	target := min(c.at(t+rtt, packet), 1.5*w)
	if target <= w {
		return cwnd
	}
	return cwnd + int((target-w)*float64(acked)/w)
}

// at is Eq. 1: "W_cubic(t) = C*(t-K)^3 + W_max".
func (c *cubic) at(t, packet float64) float64 {
	d := t - c.k
	return cubicC*d*d*d*packet + c.wMax
}
