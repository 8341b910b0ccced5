// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A user who does not read stops its peer, and nobody else: another association
// of the same stacks goes on, and the end of the first is not held up.
func TestUserDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{RecvBuffer: 100_000, SendBuffer: 100_000})
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		a, b := w.connectTo(l)
		other, otherB := w.connectTo(l)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		sent := 0
		for ; err == nil; sent++ {
			err = a.Send(ctx, Message{Data: make([]byte, 1000)})
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, sent, 300, "both buffers, the receiver's twice")
		require.NoError(t, a.Err(), "a window that stays closed ends nothing")
		require.NoError(t, other.Send(context.Background(), text("x")))
		_, err = otherB.Recv(context.Background())
		require.NoError(t, err)
		b.Abort("enough")
		<-a.Done()
	})
}

// Associations that nobody accepts, events that nobody reads and contexts that
// are cancelled leave nothing.
func TestUserNeverAcceptsNorReadsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{HeartbeatInterval: time.Second, PathMaxRetrans: 1})
		_, err := w.b.Listen(5000)
		require.NoError(t, err)
		c, err := w.a.Dial(within(t, time.Minute), w.addr(5000))
		require.NoError(t, err)
		for range 20 {
			w.segs[1].Down()
			<-time.After(30 * time.Second)
			w.segs[1].Up()
			<-time.After(30 * time.Second)
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		for range 100 {
			_, err := w.a.Dial(gone, w.addr(5000))
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, c.Send(gone, text("x")), context.Canceled)
			_, err = c.Recv(gone)
			require.ErrorIs(t, err, context.Canceled)
		}
		require.NoError(t, c.Err())
		require.Equal(t, 1, w.a.Stats().Associations)
		require.NoError(t, w.b.Close())
		<-c.Done()
		require.Zero(t, w.a.Stats().Associations)
	})
}
