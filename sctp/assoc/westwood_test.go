// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A loss costs what stands in the queue, up to what it costs with CUBIC.
func TestWestwoodWindow(t *testing.T) {
	for _, tt := range []struct {
		rtt  time.Duration // of the last second; the least is 20 ms
		want int           // part of a window of 100 packets, in percent
	}{{20 * ms, 100}, {22 * ms, 91}, {25 * ms, 80}, {40 * ms, 70}} {
		var w westwood
		now := start
		w.measure(now, 20*ms, 20*ms, 0)
		for range 1000 {
			now = now.Add(tt.rtt)
			w.measure(now, tt.rtt, tt.rtt, 100_000) // a window each round trip
		}
		require.InDelta(t, tt.want*1000, w.window(100_000, 1000), 1000, "%v", tt.rtt)
	}
	require.Equal(t, 4000, new(westwood).window(5000, 1000))
	require.Equal(t, 70_000, new(westwood).window(100_000, 1000), "nothing is known")
}

// The window comes back, and goes on.
func TestWestwoodGrows(t *testing.T) {
	c := congestion{cubic: new(cubic), westwood: new(westwood), pmdcs: 1000, cwnd: 100_000, ssthresh: maxSsthresh}
	c.westwood.rate, c.westwood.minRTT = 4.5e6, 20*ms
	c.onFastRetransmit()
	require.Equal(t, 90_000, c.cwnd)
	c.ssthresh--
	now := start
	for range 50 { // one second
		now = now.Add(20 * ms)
		c.onAck(now, 20*ms, c.cwnd, c.cwnd, false)
	}
	require.InDelta(t, 140_000, c.cwnd, 3000, "one packet in a round trip")
	c.onTimeout()
	require.Equal(t, 1000, c.cwnd)
	require.GreaterOrEqual(t, c.ssthresh, 90_000)
}

// Chosen by the configuration, it is measured by SACKs.
func TestWestwoodMeasures(t *testing.T) {
	p, a, _ := lossy(t, Config{CongestionControl: CongestionWestwood, NoNagle: true, HeartbeatInterval: -1})
	for range 40 {
		sendN(t, p, a, 10, 1000)
		p.flush(p.a)
		p.now = p.now.Add(10 * ms)
		p.deliver(p.z)
		p.flush(p.z)
		p.now = p.now.Add(10 * ms)
		p.deliver(p.a)
	}
	w := a.primary.cc.westwood
	require.Equal(t, 20*ms, w.minRTT)
	require.InEpsilon(t, 10*(1000+wire.DataHeaderLen)/0.02, w.rate, 0.5)
}
