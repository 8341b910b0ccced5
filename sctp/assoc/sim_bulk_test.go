// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/simnet"
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
				msgs = append(msgs, planned{stream: 0, unordered: false, size: size})
			}
			s := draw(1, func(s *setup) {
				s.link.Delay, s.link.Rate, s.link.Queue, s.link.Loss = tc.delay, tc.rate, tc.queue, tc.loss
				s.toServer, s.toClient = newFlow(1, msgs), newFlow(2, nil)
				s.clientConfig.CongestionControl, s.clientConfig.LossDetection = assoc.CongestionStandard, assoc.LossDetectionStandard
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

// bulk sends count messages of 64 KiB over a link, and returns how long it
// took in virtual time.
func bulk(t *testing.T, count int, link simnet.Settings, cfg func(*assoc.Config)) time.Duration {
	const size = 64 << 10
	var msgs []planned
	for range count {
		msgs = append(msgs, planned{stream: 0, unordered: false, size: size})
	}
	w, err := newWorld(1, draw(1, func(s *setup) {
		s.link = link
		s.toServer, s.toClient = newFlow(1, msgs), newFlow(2, nil)
		s.clientConfig.CongestionControl, s.clientConfig.LossDetection = assoc.CongestionStandard, assoc.LossDetectionStandard
		cfg(&s.clientConfig)
		s.limit = 10 * time.Minute
	}))
	require.NoError(t, err)
	require.NoError(t, w.run())
	took := w.sim.Now().Sub(epoch)
	st := w.client.Assoc.Stats()
	t.Logf("%.2f MB/s (%v); %d T3, %d probes, %d fast, %d retransmissions, %d of them for nothing", float64(size*count)/1e6/took.Seconds(), took,
		st.T3Expirations, st.LossProbes, st.FastRetransmissions, st.Retransmissions, w.accepted.Assoc.Stats().DuplicateTSNs)
	return took
}

// TestCubicOnALongPath sends 64 MiB over a path with a round trip of 100 ms
// that loses a packet now and then, with either congestion control.
func TestCubicOnALongPath(t *testing.T) {
	link := simnet.Settings{Delay: 50 * time.Millisecond, Rate: 10e6, Queue: 512 << 10, Loss: 1e-4}
	standard := bulk(t, 1024, link, func(*assoc.Config) {})
	cubic := bulk(t, 1024, link, func(c *assoc.Config) { c.CongestionControl = assoc.CongestionCUBIC })
	require.Less(t, cubic, standard*3/4)
}

// TestRACKOnBadPaths sends 16 MiB over paths with a round trip of 20 ms that
// lose or reorder packets, with either loss detection.
func TestRACKOnBadPaths(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  simnet.Settings
		most float64 // of the time of the standard
	}{
		{"1 % lost", simnet.Settings{Loss: 0.01}, 1},
		{"5 % lost", simnet.Settings{Loss: 0.05}, 0.8},
		{"reordered", simnet.Settings{Jitter: 3 * time.Millisecond}, 0.2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			link := tt.bad
			link.Delay, link.Rate, link.Queue = 10*time.Millisecond, 10e6, 256<<10
			standard := bulk(t, 256, link, func(*assoc.Config) {})
			rack := bulk(t, 256, link, func(c *assoc.Config) { c.LossDetection = assoc.LossDetectionRACK })
			require.Less(t, rack.Seconds()/standard.Seconds(), tt.most)
		})
	}
}
