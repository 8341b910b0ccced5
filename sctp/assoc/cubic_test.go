// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A cubicRun acknowledges a full window each round trip.
type cubicRun struct {
	c   congestion
	now time.Time
	rtt time.Duration
}

func newCubicRun(cwnd int, rtt time.Duration) *cubicRun {
	r := &cubicRun{now: start, rtt: rtt}
	r.c = congestion{cubic: new(cubic), pmdcs: 1000, cwnd: cwnd, ssthresh: maxSsthresh}
	return r
}

// run lets time pass, with acknowledgements of two packets each.
func (r *cubicRun) run(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		n := max(r.c.cwnd/2000, 1)
		for range n {
			r.now = r.now.Add(r.rtt / time.Duration(n))
			r.c.onAck(r.now, r.rtt, 2000, r.c.cwnd, false)
		}
	}
}

// RFC 8312, Section 4.1, Eq. 1: "W_cubic(t) = C*(t-K)^3 + W_max", whatever the
// round trip is (Section 3, Principle 3).
func TestCubicFollowsItsFunction(t *testing.T) {
	const wMax = 400.0
	k := math.Cbrt(wMax * 0.3 / 0.4)
	for _, rtt := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond} {
		r := newCubicRun(wMax*1000, rtt)
		r.c.onFastRetransmit()
		require.Equal(t, int(wMax*1000*0.7), r.c.cwnd, "Section 4.5")
		require.Equal(t, r.c.cwnd, r.c.ssthresh)
		r.c.ssthresh-- // in congestion avoidance
		for at := 1; at <= 10; at++ {
			r.run(time.Second)
			d := r.now.Sub(start).Seconds() - k
			require.InEpsilon(t, 0.4*d*d*d+wMax, float64(r.c.cwnd)/1000, 0.05, "%v: after %d s, K is %.2f s", rtt, at, k)
		}
	}
}

// Section 4.2: with a short round trip the window is that of AIMD.
func TestCubicIsFriendly(t *testing.T) {
	r := newCubicRun(20_000, 5*time.Millisecond)
	r.c.onFastRetransmit()
	r.c.ssthresh--
	r.run(200 * time.Millisecond)
	require.InEpsilon(t, 14+3*0.3/1.7*40, float64(r.c.cwnd)/1000, 0.08, "W_est of 40 round trips")
}

// Section 4.6: a window that did not get back to where it was makes room for others.
func TestCubicFastConvergence(t *testing.T) {
	c := new(cubic)
	require.Equal(t, 70_000, c.onLoss(100_000, 1000))
	require.InDelta(t, 100_000, c.wMax, 1)
	require.InDelta(t, 63_000, c.onLoss(90_000, 1000), 1)
	require.InDelta(t, 76_500, c.wMax, 1)
	c.onLoss(95_000, 1000)
	require.InDelta(t, 95_000, c.wMax, 1)
	require.Equal(t, 4_000, c.onLoss(5_000, 1000), "the floor of RFC 9260, Section 7.2.3")
}

// Section 4.7.
func TestCubicAfterTimeout(t *testing.T) {
	r := newCubicRun(100_000, 100*time.Millisecond)
	r.c.onTimeout()
	require.Equal(t, 1000, r.c.cwnd)
	require.Equal(t, 70_000, r.c.ssthresh)
	r.run(2 * time.Second)
	require.Greater(t, r.c.cwnd, r.c.ssthresh, "after slow start")
	require.Zero(t, r.c.cubic.k)
	require.InDelta(t, 70_000, r.c.cubic.wMax, 3000)
}

// Section 5.8: an application that does not fill the window, or sends nothing,
// does not find a huge one later.
func TestCubicDoesNotCountIdleTime(t *testing.T) {
	r := newCubicRun(100_000, 100*time.Millisecond)
	r.c.onFastRetransmit()
	r.c.ssthresh--
	r.run(time.Second)
	before := r.c.cwnd
	for range 1000 {
		r.now = r.now.Add(100 * time.Millisecond)
		r.c.onAck(r.now, r.rtt, 2000, r.c.cwnd/2, false)
	}
	require.Equal(t, before, r.c.cwnd)
	r.now = r.now.Add(time.Hour)
	r.c.onAck(r.now, r.rtt, 2000, r.c.cwnd, false)
	require.InEpsilon(t, before, r.c.cwnd, 0.01)
	r.run(100 * time.Millisecond)
	require.InEpsilon(t, before, r.c.cwnd, 0.05)
}
