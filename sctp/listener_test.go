// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{Backlog: 2})
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		ctx := within(t, time.Minute)
		var conns []*Conn
		for range 3 {
			c, err := w.a.Dial(ctx, w.addr(5000))
			if err != nil { // the ABORT may come before COOKIE ACK is noticed
				require.ErrorContains(t, err, "Out of Resource")
				continue
			}
			conns = append(conns, c)
		}
		require.GreaterOrEqual(t, len(conns), 2)
		synctest.Wait()
		require.EqualValues(t, 1, w.b.Stats().Refused)
		require.Equal(t, 2, w.b.Stats().Associations)
		if len(conns) == 3 {
			_, err := conns[2].Recv(ctx)
			abort, ok := errors.AsType[*AbortError](err)
			require.True(t, ok, "%v", err)
			require.Contains(t, abort.Reason, "Out of Resource")
		}
		for _, c := range conns[:2] {
			require.NoError(t, c.Send(ctx, text("hello")))
			d, err := l.Accept(ctx)
			require.NoError(t, err)
			m, err := d.Recv(ctx)
			require.NoError(t, err)
			require.Equal(t, "hello", string(m.Data))
		}
	})
}

func TestListenerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		_, err = w.b.Listen(5000)
		require.ErrorIs(t, err, ErrPortInUse)

		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = l.Accept(gone)
		require.ErrorIs(t, err, context.Canceled)
		accepted, kept := w.connectTo(l)
		waiting, err := w.a.Dial(within(t, time.Minute), w.addr(5000))
		require.NoError(t, err)
		synctest.Wait()

		require.NoError(t, l.Close())
		require.ErrorIs(t, l.Close(), net.ErrClosed)
		_, err = l.Accept(context.Background())
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = waiting.Recv(within(t, time.Minute))
		_, ok := errors.AsType[*AbortError](err)
		require.True(t, ok, "who was not accepted is aborted: %v", err)
		_, err = w.a.Dial(within(t, time.Minute), w.addr(5000))
		_, ok = errors.AsType[*AbortError](err)
		require.True(t, ok, "%v", err)

		require.NoError(t, accepted.Send(context.Background(), text("still there")))
		_, err = kept.Recv(within(t, time.Minute))
		require.NoError(t, err)
		_, err = w.b.Listen(5000)
		require.NoError(t, err, "the port is free again")
	})
}

func TestAcceptBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		l, err := w.b.Listen(0)
		require.NoError(t, err)
		require.NotZero(t, l.Addr().Port)
		time.AfterFunc(time.Second, func() { l.Close() })
		_, err = l.Accept(context.Background())
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestStackShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		a, b := w.connect()
		ctx := within(t, time.Minute)
		for range 100 {
			require.NoError(t, a.Send(ctx, text("message")))
		}
		require.NoError(t, w.a.Shutdown(ctx))
		for range 100 {
			_, err := b.Recv(ctx)
			require.NoError(t, err)
		}
		_, err := b.Recv(ctx)
		require.Equal(t, io.EOF, err)
		require.NoError(t, w.a.Close(), "again")
	})
}

func TestStackShutdownAbortsWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		a, _ := w.connect()
		w.segs[0].Down()
		require.NoError(t, a.Send(context.Background(), text("x")))
		require.ErrorIs(t, w.a.Shutdown(within(t, time.Second)), context.DeadlineExceeded)
		_, err := a.Recv(context.Background())
		require.ErrorIs(t, err, net.ErrClosed)
	})
}
