// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// TestBulkUsesTheLink sends 8 MiB one way and compares the virtual time that
// takes with what the link needs at its rate.
func TestBulkUsesTheLink(t *testing.T) {
	const size, count = 64 << 10, 128
	for _, tc := range []struct {
		rate, queue int // bytes per second, bytes
		delay       time.Duration
		loss        float64
		most        float64 // times the time the data alone takes at rate
	}{
		{1e6, 256 << 10, 5 * time.Millisecond, 0, 1.15},
		{10e6, 256 << 10, 5 * time.Millisecond, 0, 1.4},
		{10e6, 64 << 10, 20 * time.Millisecond, 0, 3.5},
		{1e6, 64 << 10, 20 * time.Millisecond, 0.001, 1.5},
	} {
		t.Run(fmt.Sprintf("rate %d, delay %v, loss %v", tc.rate, tc.delay, tc.loss), func(t *testing.T) {
			var msgs []planned
			for range count {
				msgs = append(msgs, planned{0, false, size})
			}
			s := draw(1, func(s *setup) {
				s.link.Delay, s.link.Rate, s.link.Queue, s.link.Loss = tc.delay, tc.rate, tc.queue, tc.loss
				s.toServer, s.toClient = newFlow(1, msgs), newFlow(2, nil)
				s.clientConfig.CongestionControl = assoc.CongestionStandard
			})
			w, err := newWorld(1, s)
			require.NoError(t, err)
			require.NoError(t, w.run())
			ideal := float64(size*count) / float64(tc.rate)
			took := w.sim.Now().Sub(epoch).Seconds()
			st := w.client.Assoc.Stats()
			t.Logf("%.2f s, %.2f times the ideal; %d T3, %d fast, %d retransmissions", took, took/ideal, st.T3Expirations, st.FastRetransmissions, st.Retransmissions)
			require.Less(t, took/ideal, tc.most)
		})
	}
}

// TestCubicOnALongPath sends 64 MiB over a path with a round trip of 100 ms
// that loses a packet now and then, with either congestion control.
func TestCubicOnALongPath(t *testing.T) {
	const size, count = 64 << 10, 1024
	took := make(map[assoc.CongestionControl]time.Duration)
	for _, control := range []assoc.CongestionControl{assoc.CongestionStandard, assoc.CongestionCUBIC} {
		var msgs []planned
		for range count {
			msgs = append(msgs, planned{0, false, size})
		}
		s := draw(1, func(s *setup) {
			s.link.Delay, s.link.Rate, s.link.Queue, s.link.Loss = 50*time.Millisecond, 10e6, 512<<10, 1e-4
			s.toServer, s.toClient = newFlow(1, msgs), newFlow(2, nil)
			s.clientConfig.CongestionControl = control
			s.limit = 10 * time.Minute
		})
		w, err := newWorld(1, s)
		require.NoError(t, err)
		require.NoError(t, w.run())
		took[control] = w.sim.Now().Sub(epoch)
		st := w.client.Assoc.Stats()
		t.Logf("%d: %v, %.1f MB/s; %d T3, %d fast, %d retransmissions", control, took[control],
			float64(size*count)/1e6/took[control].Seconds(), st.T3Expirations, st.FastRetransmissions, st.Retransmissions)
	}
	require.Less(t, took[assoc.CongestionCUBIC], took[assoc.CongestionStandard]*3/4)
}
