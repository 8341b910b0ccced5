// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A message there and back again allocates nothing on either side once
// everything has warmed up.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Log("sync.Pool forgets at random under the race detector: counting there says nothing")
		return
	}
	for _, size := range []int{64, 1200, 20_000} {
		a, b := loopback(t, Config{})
		ctx := context.Background()
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, size)
			for {
				m, err := b.RecvBuf(ctx, buf)
				if err != nil || b.Send(ctx, m) != nil {
					return
				}
			}
		}()
		buf := make([]byte, size)
		m := Message{Data: make([]byte, size)}
		turn := func() {
			if err := a.Send(ctx, m); err != nil {
				t.Error(err)
			}
			if _, err := a.RecvBuf(ctx, buf); err != nil {
				t.Error(err)
			}
		}
		for range 2000 {
			turn()
		}
		require.Zero(t, testing.AllocsPerRun(2000, turn), "messages of %d bytes", size)
		a.Close()
		<-done
	}
}
