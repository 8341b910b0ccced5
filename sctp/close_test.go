// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
)

// Whatever is called while whatever ends: nothing hangs, nothing is left.
func TestCloseRaces(t *testing.T) {
	t.Logf("seed %d", *seed)
	for name, end := range map[string]func(a, b *Conn){
		"Close":          func(a, b *Conn) { a.Close() },
		"Close both":     func(a, b *Conn) { go b.Close(); a.Close() },
		"Abort":          func(a, b *Conn) { a.Abort("over") },
		"Shutdown":       func(a, b *Conn) { a.Shutdown(context.Background()) },
		"Stack.Close":    func(a, b *Conn) { a.stack.Close() },
		"both Stacks":    func(a, b *Conn) { go a.stack.Close(); b.stack.Close() },
		"Stack.Shutdown": func(a, b *Conn) { a.stack.Shutdown(context.Background()) },
		"Streams":        func(a, b *Conn) { go a.Stream(1).Close(); a.Stream(2).Close() },
	} {
		t.Run(name, func(t *testing.T) {
			for round := range 3 {
				a, b := loopback(t, Config{SendBuffer: 64 << 10, RecvBuffer: 64 << 10})
				var wg sync.WaitGroup
				var started sync.WaitGroup
				ctx := context.Background()
				run := func(f func() error) {
					started.Add(1)
					wg.Go(func() {
						err := f()
						started.Done()
						for err == nil {
							err = f()
						}
					})
				}
				for _, c := range []*Conn{a, b} {
					rng := rand.New(rand.NewPCG(*seed, uint64(round)))
					size := 1 + rng.IntN(5000)
					s := c.Stream(1)
					c.Stream(2)
					run(func() error { return c.Send(ctx, Message{Data: make([]byte, size)}) })
					run(func() error { return c.Send(ctx, Message{Data: make([]byte, 10)}) })
					run(func() error { _, err := c.Recv(ctx); return err })
					run(func() error { _, err := c.RecvBuf(ctx, make([]byte, 5000)); return err })
					run(func() error { _, err := s.Write(make([]byte, size)); return err })
					run(func() error { _, err := s.Read(make([]byte, 100)); return err })
					run(func() error {
						c.Paths()
						c.Stats()
						c.RemoteAddr()
						return c.Err()
					})
				}
				started.Wait()
				end(a, b)
				a.Close()
				b.Close()
				wg.Wait()
				a.stack.Close()
				b.stack.Close()
			}
		})
	}
}

// Packets from many hosts that know nothing of each other come and go while
// associations do.
func TestManyAssociations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{})
		for _, s := range w.segs {
			s.Set(simnet.Settings{Delay: time.Millisecond, Loss: 0.02})
		}
		l, err := w.b.Listen(7)
		require.NoError(t, err)
		ctx := within(t, time.Hour)
		var wg sync.WaitGroup
		go func() {
			for {
				c, err := l.Accept(ctx)
				if err != nil {
					return
				}
				wg.Go(func() {
					for {
						m, err := c.Recv(ctx)
						if err != nil {
							c.Close()
							return
						}
						c.Send(ctx, m)
					}
				})
			}
		}()
		for i := range 50 {
			wg.Go(func() {
				c, err := w.a.Dial(ctx, w.addr(7))
				if err != nil {
					t.Error(err)
					return
				}
				for k := range 10 {
					want := fmt.Sprintf("%d/%d", i, k)
					if err := c.Send(ctx, text(want)); err != nil {
						t.Error(err)
						return
					}
					m, err := c.Recv(ctx)
					if err != nil || string(m.Data) != want {
						t.Errorf("got %q, %v, want %q", m.Data, err, want)
						return
					}
				}
				if err := c.Shutdown(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		l.Close()
		require.Zero(t, w.a.Stats().Associations)
		st := w.b.Stats()
		require.EqualValues(t, 50, st.Established)
		require.NotZero(t, st.PacketsReplied)
		require.NotZero(t, st.InitsAnswered)
	})
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log bytes.Buffer
		h := slog.NewTextHandler(&lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug})
		w := newWorld(t, 2, Config{PathMaxRetrans: 1, HeartbeatInterval: time.Second, Logger: slog.New(h)})
		a, b := w.connect()
		w.segs[1].Down()
		<-time.After(time.Minute)
		go b.Shutdown(context.Background())
		require.NoError(t, a.Shutdown(context.Background()))
		<-b.Done()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{
			`level=INFO msg="association up" assoc=1 `,
			`peerport=5000`,
			`level=WARN msg="path failed"`,
			`path=10.2.0.2:9899`,
			`level=INFO msg="association down"`,
			`msg="packet without association"`,
		} {
			require.Contains(t, log.String(), want)
		}
	})
}
