// SPDX-License-Identifier: Apache-2.0

package assoc

import "time"

// A pacer spreads what a congestion window allows over the round trip: sent at
// once it would need a queue of that size at the bottleneck. It takes the place
// of Max.Burst, which is for the same (RFC 9260, Section 6.1, D), on paths that
// are long enough for timers.
type pacer struct {
	credit int       // bytes that may leave
	at     time.Time // when it was counted
	next   time.Time // when there is credit again
	held   bool      // since the last SACK, something has waited for it
}

const (
	// pacedRTT is the least round-trip time that is paced: timers are late by
	// parts of a millisecond.
	pacedRTT = 2 * time.Millisecond
	// paceTick is what may leave at once, in time, and at least Max.Burst packets.
	paceTick = 2 * time.Millisecond
	// pacePackets are as many if there is no Max.Burst.
	pacePackets = 10
)

// pacePerSRTT is how much of the window may leave in a round trip, in percent:
// more than is acknowledged in it, so that the window decides in the end.
func (c *congestion) pacePerSRTT() int {
	if c.cwnd <= c.ssthresh {
		return 200
	}
	return 125
}

// paced tells whether the pacer applies, and not Max.Burst. The least RTT tells
// how long the path is: with a queue in a host every round trip becomes long.
func (p *path) paced() bool { return p.rto.srtt > 0 && p.rto.least >= pacedRTT }

// paceAdmits tells whether a packet may leave now. Otherwise it sets the time
// when to ask again. A negative maxBurst bounds other paths only.
func (p *path) paceAdmits(now time.Time, maxBurst int) bool {
	if maxBurst < 0 {
		maxBurst = pacePackets
	}
	c := &p.pace
	rate := float64(p.cc.cwnd) * float64(p.cc.pacePerSRTT()) / 100 / p.rto.srtt.Seconds() // bytes per second
	most := max(maxBurst*p.cc.pmdcs, int(rate*paceTick.Seconds()))
	c.credit = max(c.credit, -most) // the rate has changed, or it was sent without
	if c.at.IsZero() {
		c.credit = most
		c.at = now
	} else if took := now.Sub(c.at); took > 0 {
		gain := int(min(rate*took.Seconds(), float64(most-c.credit)))
		c.credit += gain
		if c.credit == most {
			c.at = now
		} else {
			c.at = c.at.Add(time.Duration(float64(gain) / rate * 1e9)) // the rest of a byte comes with the next
		}
	}
	if c.credit > 0 {
		c.next = nilTime
		return true
	}
	c.held = true
	if c.next.IsZero() {
		c.next = now.Add(max(paceTick/2, time.Duration(float64(most/2-c.credit)/rate*1e9)))
	}
	return false
}
