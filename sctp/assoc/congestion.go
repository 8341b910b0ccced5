// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A congestion is the congestion control of one path (RFC 9260, Section 7.2).
// All sizes are bytes of DATA chunks with headers and padding.
type congestion struct {
	cwnd, ssthresh    int
	partialBytesAcked int
	cubic             *cubic    // nil: standard
	westwood          *westwood // nil: standard or CUBIC
	hystart           hystart
	pmdcs             int // largest DATA chunk of a packet (RFC 9260, Section 2.3)

	lastSent time.Time // of new data
	idled    bool      // ssthresh has been set for the current idle time
	burst    int       // bytes that may still be sent, see openBurst
}

// maxSsthresh is "arbitrarily high" (Section 7.2.1).
const maxSsthresh = 1 << 30

func (c *congestion) init(control CongestionControl, ipv6 bool) {
	c.cubic, c.westwood = nil, nil
	if control != CongestionStandard {
		c.cubic = new(cubic)
	}
	if control == CongestionWestwood {
		c.westwood = new(westwood)
	}
	// Section 7.2.1: "min(4 * PMDCS, max(2 * PMDCS, 4404)) bytes if the peer
	// address is an IPv4 address and to min(4 * PMDCS, max(2 * PMDCS, 4344))".
	floor := 4404
	if ipv6 {
		floor = 4344
	}
	c.cwnd = min(4*c.pmdcs, max(2*c.pmdcs, floor))
	c.ssthresh = maxSsthresh
	c.partialBytesAcked = 0
	c.idled = false
	c.hystart = hystart{}
}

// onAck grows the window. flight is what was in flight before the SACK.
func (c *congestion) onAck(now time.Time, srtt time.Duration, acked, flight int, inFastRecovery bool) {
	if c.cwnd <= c.ssthresh {
		// Section 7.2.1: "use the slow-start algorithm to increase cwnd only if
		// the current congestion window is being fully utilized and the data
		// sender is not in Fast Recovery ... by, at most, the lesser of 1. the
		// total size of the previously outstanding DATA chunk(s) acknowledged
		// and 2. L times the destination's PMDCS."
		if !inFastRecovery && flight >= c.cwnd {
			c.cwnd += c.slowStart(acked)
		}
		if c.cubic != nil {
			c.cubic.pause(now)
		}
		return
	}
	if c.cubic != nil {
		if inFastRecovery || flight < c.cwnd {
			c.cubic.pause(now)
		} else {
			c.cwnd = c.cubic.grow(now, srtt, c.cwnd, acked, c.pmdcs)
		}
		return
	}
	// Section 7.2.2.
	c.partialBytesAcked += acked
	switch {
	case c.partialBytesAcked > c.cwnd && flight < c.cwnd:
		c.partialBytesAcked = c.cwnd
	case c.partialBytesAcked >= c.cwnd && flight >= c.cwnd:
		c.partialBytesAcked -= c.cwnd
		if !inFastRecovery {
			c.cwnd += c.pmdcs
		}
	}
}

// slowStart is what cwnd grows by. "The positive integer L SHOULD be 1 and MAY
// be larger than 1. See [RFC3465]": RFC 3465 counts bytes because one
// acknowledgement may stand for many packets, and has L be 2 in the first slow
// start, 1 in those after a loss. A receiver that reads batches acknowledges
// once a batch, so that L packets are meant for each second packet that is
// acknowledged, as if every second one had its own SACK.
func (c *congestion) slowStart(acked int) int {
	if !c.first() {
		return min(acked, max(1, (acked/c.pmdcs+1)/2)*c.pmdcs)
	}
	if c.hystart.rounds > 0 {
		return acked / hystartSlowdown
	}
	return acked
}

// first tells whether slow start has not ended yet, by a loss or otherwise.
func (c *congestion) first() bool { return c.ssthresh == maxSsthresh }

// onRound lets HyStart++ look at the RTT of a SACK (0: it has none).
func (c *congestion) onRound(rtt time.Duration, cum, next wire.TSN) {
	if !c.first() {
		return
	}
	if c.hystart.onAck(cum, next) {
		c.ssthresh = c.cwnd
		return
	}
	if rtt > 0 {
		c.hystart.measure(rtt)
	}
}

// onFastRetransmit is called when fast recovery begins. Section 7.2.3:
// "ssthresh = max(cwnd / 2, 4 * PMDCS); cwnd = ssthresh".
func (c *congestion) onFastRetransmit() {
	c.ssthresh = max(c.cwnd/2, 4*c.pmdcs)
	if c.cubic != nil {
		c.ssthresh = c.cubic.onLoss(c.cwnd, c.pmdcs)
	}
	if c.westwood != nil {
		c.ssthresh = c.cubic.onLossTo(c.westwood.window(c.cwnd, c.pmdcs), c.cwnd, c.pmdcs)
	}
	c.cwnd = c.ssthresh
	c.partialBytesAcked = 0
}

// onTimeout is called when T3-rtx expires. Section 7.2.3: "ssthresh =
// max(cwnd / 2, 4 * PMDCS); cwnd = PMDCS".
func (c *congestion) onTimeout() {
	c.ssthresh = max(c.cwnd/2, 4*c.pmdcs)
	if c.cubic != nil {
		c.ssthresh = c.cubic.onTimeout(c.cwnd, c.pmdcs)
	}
	if c.westwood != nil {
		c.ssthresh = c.westwood.window(c.cwnd, c.pmdcs)
	}
	c.cwnd = c.pmdcs
	c.partialBytesAcked = 0
}

// onAllAcked: Section 7.2.2: "When all of the data transmitted by the sender
// has been acknowledged by the receiver, partial_bytes_acked is initialized
// to 0."
func (c *congestion) onAllAcked() { c.partialBytesAcked = 0 }

// onIdle shrinks the window for the time nothing was sent. Section 7.2.1:
// "the cwnd of the transport address SHOULD be adjusted to max(cwnd / 2, 4 *
// PMDCS) once per RTO. Before the first cwnd adjustment, the ssthresh of the
// transport address SHOULD be set to the cwnd." It is called before new data
// is sent, and makes up for all the RTOs that have passed.
func (c *congestion) onIdle(now time.Time, rto time.Duration) {
	if c.lastSent.IsZero() {
		return
	}
	for idle := now.Sub(c.lastSent); idle >= rto && c.cwnd > 4*c.pmdcs; idle -= rto {
		if !c.idled {
			c.idled = true
			c.ssthresh = c.cwnd
		}
		c.cwnd = max(c.cwnd/2, 4*c.pmdcs)
	}
}

func (c *congestion) onSent(now time.Time) {
	c.lastSent = now
	c.idled = false
}

// openBurst allows what may leave at one opportunity to send. RFC 9260, Section
// 6.1, D, limits the packets to Max.Burst for each SACK, which "MAY be applied
// by strictly limiting the number of packets emitted by the output routine",
// and counts on a SACK for every second packet. A receiver that reads batches
// sends one for many: it stands for those it did not send. A negative maxBurst
// lifts the limit.
func (c *congestion) openBurst(ackedBytes, maxBurst int) {
	if maxBurst < 0 {
		c.burst = 1 << 30
		return
	}
	c.burst = max(c.burst, maxBurst*c.pmdcs+maxBurst*ackedBytes/2)
}

// mayAddTo tells whether another DATA chunk may go to the path. Section 6.1,
// B: "the sender MUST NOT transmit new data to a given transport address if it
// has cwnd + (PMDCS - 1) or more bytes of data outstanding", and "SHOULD
// exceed cwnd by up to (PMDCS - 1) bytes on a new data transmission if the
// flightsize does not currently reach cwnd".
func (c *congestion) mayAddTo(flight int) bool { return flight < c.cwnd }
