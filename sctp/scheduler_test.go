// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// Interleaving is agreed on if Config asks for it. Then a small message passes a
// large one under way, as the scheduler says that is chosen in between.
func TestInterleaving(t *testing.T) {
	for _, on := range []bool{true, false} {
		x, y := loopback(t, Config{Interleaving: on, SendBuffer: 16 << 20})
		require.Equal(t, on, x.Interleaving())
		require.Equal(t, on, y.Interleaving())
		require.Equal(t, SchedulerFCFS, x.Scheduler())
		require.NoError(t, x.SetScheduler(SchedulerPriority))
		require.NoError(t, x.SetStreamValue(1, 9))
		require.Equal(t, SchedulerPriority, x.Scheduler())
		require.EqualValues(t, 9, x.StreamValue(1))
		require.Zero(t, x.StreamValue(2))
		ctx := context.Background()
		large := bytes.Repeat([]byte("large"), 2<<20)
		n, err := x.SendBatch(ctx, []Message{{Stream: 1, Data: large}, {Stream: 2, Data: []byte("small")}})
		require.NoError(t, err)
		require.Equal(t, 2, n)
		order := map[uint16]int{}
		for i := range 2 {
			m, err := y.Recv(ctx)
			require.NoError(t, err)
			order[m.Stream] = i
			if m.Stream == 1 {
				require.True(t, bytes.Equal(large, m.Data))
			}
		}
		if on {
			require.Less(t, order[2], order[1], "the small message comes first")
		}
		s := x.Stats()
		require.Equal(t, on, s.IDataChunksSent > 0)
		require.NoError(t, x.Shutdown(ctx))
	}
}

func TestSchedulerOfTheConfig(t *testing.T) {
	x, y := loopback(t, Config{Scheduler: SchedulerWeightedFairQueueing})
	require.Equal(t, SchedulerWeightedFairQueueing, x.Scheduler())
	require.Equal(t, SchedulerWeightedFairQueueing, y.Scheduler())
	require.Error(t, x.SetScheduler(99))
	require.ErrorIs(t, x.SetStreamValue(65535, 1), ErrInvalidStream)
	_, err := NewStack(&Config{Scheduler: -1})
	require.ErrorContains(t, err, "Scheduler")
}
