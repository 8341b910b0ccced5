// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A sender whose message does not fit in the room there is sleeps until it
// does, and neither spins nor keeps others from being woken.
func TestLargeMessageWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{SendBuffer: 64 << 10, RecvBuffer: 4096})
		ca, cb := w.connect()
		ctx := within(t, time.Hour)
		require.NoError(t, ca.Send(ctx, Message{Data: make([]byte, 40<<10)}))
		done := make(chan error, 3)
		for _, size := range []int{60 << 10, 30 << 10, 30 << 10} {
			go func() { done <- ca.Send(ctx, Message{Data: make([]byte, size)}) }()
			synctest.Wait() // returns only if nobody spins
		}
		require.Empty(t, done)
		for range 4 {
			_, err := cb.Recv(ctx)
			require.NoError(t, err)
		}
		for range 3 {
			require.NoError(t, <-done)
		}
	})
}

// What ends one who waits leaves the others their turn, and the end of the
// association wakes them all.
func TestSendersAreWokenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{SendBuffer: 64 << 10, RecvBuffer: 4096})
		ca, cb := w.connect()
		ctx := within(t, time.Hour)
		require.NoError(t, ca.Send(ctx, Message{Data: make([]byte, 60<<10)}))
		gone, cancel := context.WithCancel(ctx)
		first, rest := make(chan error, 1), make(chan error, 5)
		go func() { first <- ca.Send(gone, Message{Data: make([]byte, 50<<10)}) }()
		synctest.Wait()
		for range 5 {
			go func() { rest <- ca.Send(ctx, Message{Data: make([]byte, 10<<10)}) }()
		}
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-first, context.Canceled)
		for range 3 {
			_, err := cb.Recv(ctx)
			require.NoError(t, err)
		}
		for range 5 {
			require.NoError(t, <-rest)
		}
		require.NoError(t, ca.Send(ctx, Message{Data: make([]byte, 40<<10)}))
		for range 5 {
			go func() { rest <- ca.Send(ctx, Message{Data: make([]byte, 60<<10)}) }()
		}
		synctest.Wait()
		require.NoError(t, ca.Abort(""))
		for range 5 {
			require.Error(t, <-rest)
		}
	})
}
