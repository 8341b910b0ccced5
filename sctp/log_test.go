// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A nosyHandler asks the Stack back about what it logs.
type nosyHandler struct {
	stack *atomic.Pointer[Stack]
	odd   *atomic.Int64
}

func (h nosyHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h nosyHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h nosyHandler) WithGroup(string) slog.Handler            { return h }
func (h nosyHandler) Handle(_ context.Context, r slog.Record) error {
	if s := h.stack.Load(); s != nil {
		s.Stats()
		s.Addrs()
		if r.Message == "packet without association" {
			h.odd.Add(1)
		}
	}
	return nil
}

// No user code runs under a lock, a slog.Handler neither.
func TestLogHandlerMayCallBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := nosyHandler{new(atomic.Pointer[Stack]), new(atomic.Int64)}
		w := newWorld(t, 1, Config{Logger: slog.New(h)})
		h.stack.Store(w.b)
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		ctx := within(t, time.Minute)
		_, err = w.a.Dial(ctx, w.addr(4999)) // nobody listens
		require.Error(t, err)
		c, err := w.a.Dial(ctx, w.addr(5000))
		require.NoError(t, err)
		d, err := l.Accept(ctx)
		require.NoError(t, err)
		require.NoError(t, c.Send(ctx, text("hello")))
		_, err = d.Recv(ctx)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		synctest.Wait()
		require.Positive(t, h.odd.Load())
		h.stack.Store(nil)
	})
}
