// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
)

// Users who do not read, leave in the middle, or cancel every context: both ends come
// to their end in time, no call hangs, and nothing is left, neither of associations nor
// of goroutines nor of memory.
func TestUsersWhoMisbehave(t *testing.T) {
	short := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 50*time.Millisecond)
	}
	for _, tt := range []struct {
		name string
		user func(t *testing.T, w *world, c *Conn)
	}{
		{"does not read, and closes", func(t *testing.T, w *world, c *Conn) {
			time.Sleep(20 * time.Second)
			_ = c.Close() // an error says that the peer did not confirm in time
		}},
		{"does not read, and aborts", func(t *testing.T, w *world, c *Conn) {
			time.Sleep(20 * time.Second)
			require.NoError(t, c.Abort("bored"))
		}},
		{"does not read, and shuts down without patience", func(t *testing.T, w *world, c *Conn) {
			ctx, cancel := short()
			defer cancel()
			require.ErrorIs(t, c.Shutdown(ctx), context.DeadlineExceeded)
			require.NoError(t, c.Abort(""))
		}},
		{"reads a little, and closes", func(t *testing.T, w *world, c *Conn) {
			for range 10 {
				_, err := c.Recv(t.Context())
				require.NoError(t, err)
			}
			_ = c.Close()
		}},
		{"closes twice, and goes on", func(t *testing.T, w *world, c *Conn) {
			var wg sync.WaitGroup
			wg.Go(func() { _ = c.Close() })
			wg.Go(func() { _ = c.Close() })
			wg.Wait()
			_, err := c.Recv(t.Context())
			require.ErrorIs(t, err, net.ErrClosed)
			require.Error(t, c.Send(t.Context(), text("late")))
			_, err = c.NextEvent(t.Context())
			require.ErrorIs(t, err, net.ErrClosed)
		}},
		{"cancels every context", func(t *testing.T, w *world, c *Conn) {
			var wg sync.WaitGroup
			for i := range 30 {
				wg.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					time.AfterFunc(time.Duration(i)*7*time.Millisecond, cancel)
					for {
						var err error
						switch i % 5 {
						case 0:
							err = c.Send(ctx, Message{Stream: 1, Data: make([]byte, 100_000)})
						case 1:
							_, err = c.Recv(ctx)
						case 2:
							_, err = c.NextEvent(ctx)
						case 3:
							err = c.ResetStreams(ctx, Outbound, uint16(i))
							if errors.Is(err, ErrRequestInProgress) {
								err = nil
								time.Sleep(time.Millisecond)
							}
						case 4:
							var d *Conn
							if d, err = w.b.Dial(ctx, &Addr{IPs: w.a.Addrs(), Port: 5001}); err == nil {
								_ = d.Abort("")
							}
						}
						if err != nil {
							require.True(t, errors.Is(err, context.Canceled) || errors.Is(err, io.EOF), "%d: %v", i%5, err)
							return
						}
					}
				})
			}
			wg.Wait()
			require.NoError(t, c.Abort("enough"))
		}},
		{"closes a stream, and reads no other", func(t *testing.T, w *world, c *Conn) {
			s := c.Stream(2)
			require.NoError(t, s.SetDeadline(time.Now().Add(time.Second)))
			_, _ = s.Read(make([]byte, 10))
			require.NoError(t, s.Close())
			time.Sleep(10 * time.Second)
			_ = c.Close()
		}},
		{"closes the Stack", func(t *testing.T, w *world, c *Conn) {
			time.Sleep(3 * time.Second)
			require.NoError(t, w.b.Close())
		}},
		{"leaves the Conn alone", func(t *testing.T, w *world, c *Conn) { // and its Stack ends in time
			ctx, cancel := short()
			defer cancel()
			require.ErrorIs(t, w.b.Shutdown(ctx), context.DeadlineExceeded)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := runtime.NumGoroutine()
				w := newWorld(t, 2, Config{RecvBuffer: 100_000, SendBuffer: 100_000, AssociationMaxRetrans: 4})
				for _, s := range w.segs {
					s.Set(simnet.Settings{Delay: 5 * time.Millisecond, Loss: 0.02})
				}
				l, err := w.a.Listen(5001)
				require.NoError(t, err)
				a, b := w.connect()
				peer, stop := context.WithTimeout(t.Context(), 10*time.Minute)
				defer stop()
				var wg sync.WaitGroup
				wg.Go(func() { // who sends as fast as he can
					for i := 0; ; i++ {
						if err := a.Send(peer, Message{Stream: uint16(i % 5), Data: make([]byte, 1+i*37%5000)}); err != nil {
							require.NoError(t, peer.Err(), "the peer is stuck")
							return
						}
					}
				})
				wg.Go(func() {
					for {
						if _, err := a.Recv(peer); err != nil {
							require.NoError(t, peer.Err(), "the peer is stuck")
							return
						}
					}
				})
				tt.user(t, w, b)
				wg.Wait()
				_ = a.Close()
				require.NoError(t, l.Close())
				time.Sleep(5 * time.Minute) // what was dialled and given up ends on the other side, too
				synctest.Wait()
				require.Zero(t, w.a.Stats().Associations)
				require.Zero(t, w.b.Stats().Associations)
				require.Zero(t, w.a.memory.used.Load())
				require.Zero(t, w.b.memory.used.Load())
				require.NoError(t, w.a.Close())
				require.NoError(t, w.b.Close())
				synctest.Wait()
				require.LessOrEqual(t, runtime.NumGoroutine(), before+1, "goroutines are left")
			})
		})
	}
}
