// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
)

// A fleet is some elements of one pool, on hosts from 10.0.0.10 on, with identifiers from 1 on.
type fleet struct {
	w       *world
	hosts   []*simnet.Host
	running []*running
	servers []*Server
}

func (w *world) fleet(n int, make func() *Server) *fleet {
	w.t.Helper()
	f := &fleet{w: w}
	for i := range n {
		srv := make()
		srv.ID = uint32(1 + i)
		h := w.host(10 + i)
		f.hosts, f.servers = append(f.hosts, h), append(f.servers, srv)
		f.running = append(f.running, w.serve(w.client(h, nil), srv))
	}
	return f
}

func (f *fleet) kill(id uint32) { f.w.kill(f.hosts[id-1], f.running[id-1]) }

func (w *world) dial(c *Client, handle string, o DialOptions) *Session {
	w.t.Helper()
	s, err := c.DialWith(w.ctx, handle, o)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { s.Close() })
	return s
}

func echoes() *Server { return &Server{Handle: "EchoPool", Handler: Echo} }

// recvAs waits for an error of a type.
func recvAs[E error](w *world, s *Session) E {
	w.t.Helper()
	for {
		_, err := s.Recv(w.ctx)
		e, ok := errors.AsType[E](err)
		if ok {
			return e
		}
		require.NoError(w.t, err)
	}
}

// sequence answers requests that are numbered, and knows from its cookie which one is next: "gap" says that a state was
// lost.
var sequence = HandlerFunc(func(ctx context.Context, conn *ServerConn) {
	var last uint64
	for first := true; ; first = false {
		m, err := conn.Recv(ctx)
		if err != nil {
			return
		}
		if c := conn.CookieEcho(); first && c != nil {
			last = binary.BigEndian.Uint64(c)
		}
		answer := m.Data
		if n := binary.BigEndian.Uint64(m.Data); n != last && n != last+1 {
			answer = fmt.Appendf(nil, "gap: %d after %d", n, last)
		} else {
			last = n
		}
		if conn.KeepCookie(ctx, binary.BigEndian.AppendUint64(nil, last)) != nil {
			return
		}
		if conn.Send(ctx, sctp.Message{Stream: m.Stream, Data: answer}) != nil {
			return
		}
	}
})

// RFC 5352, Section 3.8: "It is only important that the PU always stores the last received Cookie parameter and sends that
// back unmodified in case of a PE failure." Several sessions of one client keep their states over three failovers, while
// requests go on.
func TestStateSurvivesThreeFailoversUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.net.Segment("10.0.0.0/24").Set(simnet.Settings{Delay: time.Millisecond, Loss: 0.01})
		w.registrar(w.host(1), 1)
		f := w.fleet(4, func() *Server {
			return &Server{Handle: "Count", Handler: sequence, Cookies: CookiePolicy{Messages: 1}, CookieKeys: [][]byte{[]byte("secret")}}
		})
		c := w.client(w.host(9), nil)
		const sessions, requests = 5, 400
		next := make([]*Session, sessions)
		for i := range next {
			next[i] = w.dial(c, "Count", DialOptions{})
		}
		var wg sync.WaitGroup
		for i, sess := range next {
			wg.Go(func() {
				for n := range uint64(requests) {
					q := binary.BigEndian.AppendUint64(nil, n+1)
					m, err := sess.Do(w.ctx, sctp.Message{Data: q})
					if err != nil || string(m.Data) != string(q) {
						t.Errorf("session %d, request %d: %q, %v", i, n+1, m.Data, err)
						return
					}
					<-time.After(100 * time.Millisecond)
				}
			})
		}
		for id := range uint32(3) { // one is left, to which all have moved
			<-time.After(5 * time.Second)
			f.kill(1 + id)
		}
		wg.Wait()
		for _, sess := range next {
			require.Equal(t, uint32(4), sess.Element().ID)
			require.True(t, sess.HasCookie())
		}
	})
}

// RFC 5352, Section 3.8: "Upper layers may be involved in the failover procedure."
func TestFailoverWaitsForTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		f := w.fleet(2, echoes)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{Failover: FailoverManual})
		require.NoError(t, sess.Failover(w.ctx), "there is nothing to do")
		first := sess.Element()
		require.NoError(t, sess.Send(w.ctx, text("one")))
		synctest.Wait()
		require.NoError(t, f.running[first.ID-1].stop())

		m, err := sess.Recv(w.ctx)
		require.NoError(t, err, "what it had sent comes first")
		require.Equal(t, "one", string(m.Data))
		_, err = sess.Recv(w.ctx)
		necessary, ok := errors.AsType[*FailoverNecessaryError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, first, necessary.From)
		require.True(t, necessary.Left())
		require.False(t, necessary.HasCookie)
		require.ErrorIs(t, err, ErrElementFailed)
		require.ErrorIs(t, err, io.EOF)
		require.Contains(t, err.Error(), "left, failover is necessary")

		limited, cancel := context.WithTimeout(w.ctx, time.Hour)
		defer cancel()
		_, err = sess.Recv(limited)
		require.ErrorIs(t, err, context.DeadlineExceeded, "it is told once, and nothing happens without the program")
		require.Equal(t, first, sess.Element())
		require.ErrorIs(t, sess.Send(w.ctx, text("x")), ErrElementFailed)

		told := make(chan error)
		go func() {
			_, err := sess.Recv(w.ctx)
			told <- err
		}()
		synctest.Wait()
		require.NoError(t, sess.Failover(w.ctx))
		f1, ok := errors.AsType[*FailoverError](<-told)
		require.True(t, ok)
		require.Equal(t, 1, f1.N)
		require.NotEqual(t, first.ID, f1.To.ID)
		m, err = sess.Do(w.ctx, text("two"))
		require.NoError(t, err)
		require.Equal(t, "two", string(m.Data))
	})
}

// A failover that finds nobody does not end a session whose program decides.
func TestManualFailoverMayBeRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		h := w.host(2)
		a := w.echo(h, 0xa, nil)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{
			Failover: FailoverManual, FailoverTimeout: 3 * time.Second, RetryDelay: 100 * time.Millisecond,
		})
		require.NoError(t, a.stop())
		recvAs[*FailoverNecessaryError](w, sess)
		start := time.Now()
		require.ErrorIs(t, sess.Failover(w.ctx), ErrPoolNotFound)
		require.InDelta(t, 3, time.Since(start).Seconds(), 0.2)
		limited, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, sess.Failover(limited), context.DeadlineExceeded)
		w.echo(h, 0xa, nil)
		require.NoError(t, sess.Failover(w.ctx))
		require.ErrorIs(t, sess.Send(w.ctx, text("x")), ErrElementFailed, "Recv has not told yet")
		require.Equal(t, uint32(0xa), recvAs[*FailoverError](w, sess).To.ID)
		require.NoError(t, sess.Send(w.ctx, text("x")))
	})
}

// RFC 5352, Section 3.5: "the ASAP Endpoint SHOULD report the unavailability of the PE": of one that is given up for other
// reasons, only if the program says so; registrars remove who is reported too often.
func TestForcedFailover(t *testing.T) {
	for _, unreachable := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.registrar(w.host(1), 1)
			w.fleet(3, echoes)
			c := w.client(w.host(9), nil)
			for _, mode := range []FailoverMode{FailoverAuto, FailoverManual} {
				sess := w.dial(c, "EchoPool", DialOptions{Failover: mode})
				for n := range 5 {
					from := sess.Element()
					require.NoError(t, sess.Send(w.ctx, text("late")))
					synctest.Wait() // its answer is there, but not received
					require.NoError(t, sess.ForceFailover(w.ctx, Force{Reason: "too slow", Unreachable: unreachable}))
					m, err := sess.Recv(w.ctx)
					require.NoError(t, err)
					require.Equal(t, "late", string(m.Data))
					f := recvAs[*FailoverError](w, sess)
					require.Equal(t, n+1, f.N)
					require.NotEqual(t, from.ID, f.To.ID)
					forced, ok := errors.AsType[*ForcedError](f)
					require.True(t, ok)
					require.Equal(t, "too slow", forced.Reason)
					require.Contains(t, f.Error(), "failed (given up: too slow)")
				}
			}
			<-time.After(10 * time.Millisecond)
			elems, err := c.ResolveFresh(w.ctx, "EchoPool")
			require.NoError(t, err)
			if unreachable {
				require.Less(t, len(elems), 3, "who was reported four times is gone")
			} else {
				require.Len(t, elems, 3)
			}
		})
	}
}

// A Recv that waits is told of a failover that another goroutine has forced.
func TestForcedFailoverWakesRecv(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		w.fleet(2, echoes)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{})
		told := make(chan error)
		go func() {
			_, err := sess.Recv(w.ctx)
			told <- err
		}()
		synctest.Wait()
		require.NoError(t, sess.ForceFailover(w.ctx, Force{}))
		_, ok := errors.AsType[*FailoverError](<-told)
		require.True(t, ok)
	})
}

// An element that accepts a session and leaves it at once is not gone to without end.
func TestElementsThatLeaveAtOnceAreNotAskedInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		w.fleet(2, func() *Server {
			return &Server{Handle: "Gone", Handler: HandlerFunc(func(context.Context, *ServerConn) {})}
		})
		sess := w.dial(w.client(w.host(9), nil), "Gone", DialOptions{})
		limited, cancel := context.WithTimeout(w.ctx, 10*time.Second)
		defer cancel()
		_, err := sess.Do(limited, text("x"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.InDelta(t, 40, sess.n, 5, "every 250 ms")
	})
}

// Stream, payload protocol identifier and order are those of each message, also after a failover.
func TestMessagesKeepTheirFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		w.fleet(2, echoes)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{})
		for range 2 {
			for _, m := range []sctp.Message{
				{Stream: 0, Data: []byte("a")}, {Stream: 5, PPID: 77, Data: []byte("b")}, {Stream: 9, PPID: 12, Unordered: true, Data: []byte("c")},
			} {
				got, err := sess.Do(w.ctx, m)
				require.NoError(t, err)
				require.Equal(t, m, sctp.Message{Stream: got.Stream, PPID: got.PPID, Unordered: got.Unordered, Data: got.Data})
			}
			require.ErrorIs(t, sess.Send(w.ctx, sctp.Message{Stream: 60000, Data: []byte("x")}), sctp.ErrInvalidStream)
			require.NoError(t, sess.ForceFailover(w.ctx, Force{}))
			recvAs[*FailoverError](w, sess)
		}
	})
}

func TestDialOptionsAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client(w.host(9), nil)
		for want, o := range map[string]DialOptions{
			"ConnectTimeout: -1s is negative":       {ConnectTimeout: -time.Second},
			"RetryDelay: -1s is negative":           {RetryDelay: -time.Second},
			"Failover: 7 is not a mode":             {Failover: 7},
			"business card: the pool handle is emp": {Card: &BusinessCard{}},
			"Pool Element":                          {Card: &BusinessCard{Handle: "x"}},
		} {
			_, err := c.DialWith(w.ctx, "EchoPool", o)
			require.ErrorContains(t, err, want)
		}
	})
}

// RFC 5352, Section 7.2: "stale_cache_value - A threshold variable that indicates how long a cache entry is valid for."
func TestStaleCacheValueOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		reg := w.registrar(w.host(1), 1)
		w.fleet(1, echoes)
		c := w.client(w.host(9), nil)
		_, err := c.Resolve(w.ctx, "EchoPool")
		require.NoError(t, err)
		reg.stack.Close()
		limited, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		w.dial(c, "EchoPool", DialOptions{StaleCacheValue: 2 * time.Second})
		_, err = c.DialWith(limited, "EchoPool", DialOptions{StaleCacheValue: -1})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.DialWith(w.ctx, "EchoPool", DialOptions{StaleCacheValue: time.Millisecond})
		require.ErrorIs(t, err, ErrNoRegistrar)
		c.PurgeCache("EchoPool")
		limited, cancel = context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err = c.DialWith(limited, "EchoPool", DialOptions{})
		require.ErrorIs(t, err, ErrNoRegistrar)
	})
}

// Everything at once, and Close in the middle: calls end, and nothing is left behind (TestMain).
func TestCloseRaces(t *testing.T) {
	for i := range 20 {
		s := *seed + uint64(i)
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(s, 5))
			w := newWorld(t)
			w.registrar(w.host(1), 1)
			f := w.fleet(2, func() *Server { return &Server{Handle: "EchoPool", Handler: Echo, Cards: true} })
			c := w.client(w.host(9), nil)
			sess := w.dial(c, "EchoPool", DialOptions{Failover: FailoverMode(i / 4 % 2), CardNotices: true})
			ctx, cancel := context.WithCancel(w.ctx)
			defer cancel()
			var wg sync.WaitGroup
			loop := func(f func() error) {
				wg.Go(func() {
					for ctx.Err() == nil {
						if err := f(); errors.Is(err, net.ErrClosed) {
							return
						}
						<-time.After(10 * time.Millisecond)
					}
				})
			}
			for range 2 {
				loop(func() error { _, err := sess.Recv(ctx); return err })
				loop(func() error { return sess.Send(ctx, text("x")) })
				loop(func() error { return sess.Failover(ctx) })
				loop(func() error { return sess.ForceFailover(ctx, Force{}) })
			}
			<-time.After(time.Duration(r.IntN(300)) * time.Millisecond)
			switch i % 4 {
			case 0:
				sess.Close()
			case 1:
				f.kill(1)
				f.kill(2)
				sess.Close()
			case 2:
				c.Close()
			case 3:
				cancel()
			}
			wg.Wait()
		})
	}
}
