// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
