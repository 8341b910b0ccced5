// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStatistics(t *testing.T) {
	var s Statistics
	require.Zero(t, s.Queuing.Mean())
	require.Zero(t, s.Speed(s.Handling))
	s.Add(at(0), 1000, Times{Requested: at(1), Accepted: at(3), Completed: at(7)})
	s.Add(at(5), 3000, Times{Requested: at(8), Accepted: at(8), Completed: at(14)})
	require.Equal(t, Statistics{
		Calculations: 4000,
		Queuing:      Durations{N: 2, Total: 4 * time.Second, Longest: 3 * time.Second},
		Startup:      Durations{N: 2, Total: 2 * time.Second, Longest: 2 * time.Second},
		Processing:   Durations{N: 2, Total: 10 * time.Second, Longest: 6 * time.Second},
		Handling:     Durations{N: 2, Total: 16 * time.Second, Longest: 9 * time.Second},
	}, s)
	require.Equal(t, 5*time.Second, s.Processing.Mean())
	require.InDelta(t, 400, s.Speed(s.Processing), 1e-9)
	require.InDelta(t, 250, s.Speed(s.Handling), 1e-9)
}
