// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
)

// serve runs a Server on a client.
func (w *world) serve(c *Client, srv *Server) *running {
	w.t.Helper()
	r := w.run(c.Stack(), func(ctx context.Context) error {
		defer c.Close()
		return srv.Serve(ctx, c)
	})
	<-srv.Ready()
	return r
}

// Several pools can be served by one client: the first Server has its port, the others have their own.
func TestTwoServersOnOneClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), func(c *Config) { c.Port = 7000 })
		upper := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			for m, err := conn.Recv(ctx); err == nil; m, err = conn.Recv(ctx) {
				conn.Send(ctx, text(strings.ToUpper(string(m.Data))))
			}
		})
		ctx, cancel := context.WithCancel(w.ctx)
		results := make(chan error, 2)
		for _, srv := range []*Server{{Handle: "Echo", Handler: Echo}, {Handle: "Upper", Handler: upper}} {
			go func() { results <- srv.Serve(ctx, c) }()
			<-srv.Ready()
		}
		u := w.client(w.host(9), nil)
		for handle, want := range map[string]string{"Echo": "x", "Upper": "X"} {
			sess, err := u.Dial(w.ctx, handle)
			require.NoError(t, err)
			m, err := sess.Do(w.ctx, text("x"))
			require.NoError(t, err)
			require.Equal(t, want, string(m.Data))
			require.Equal(t, handle == "Echo", sess.Element().Transport.Port == 7000)
			require.NoError(t, sess.Close())
		}
		cancel()
		require.NoError(t, <-results)
		require.NoError(t, <-results)
		_, err := u.ResolveFresh(w.ctx, "Echo")
		require.ErrorIs(t, err, ErrPoolNotFound)
	})
}

func TestServerMaySpeakFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		hello := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			conn.Send(ctx, text("hello "+conn.RemoteAddr().IPs[0].String()))
			conn.Recv(ctx)
		})
		w.serve(w.client(w.host(2), nil), &Server{Handle: "Hello", Handler: hello, SpeaksFirst: true})
		sess, err := w.client(w.host(9), nil).Dial(w.ctx, "Hello")
		require.NoError(t, err)
		m, err := sess.Recv(w.ctx)
		require.NoError(t, err)
		require.Equal(t, "hello 10.0.0.9", string(m.Data))
		require.NoError(t, sess.Close())
	})
}

func TestEchoAnswersWhatCameBeforeTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		late := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			<-ctx.Done()
			Echo.ServeSession(ctx, conn)
		})
		el := w.serve(w.client(w.host(2), nil), &Server{Handle: "Late", Handler: late})
		sess, err := w.client(w.host(9), nil).Dial(w.ctx, "Late")
		require.NoError(t, err)
		for i := range 3 {
			require.NoError(t, sess.Send(w.ctx, text(fmt.Sprint(i))))
		}
		synctest.Wait()
		require.NoError(t, el.stop())
		for i := range 3 {
			m, err := sess.Recv(w.ctx)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(m.Data))
		}
	})
}

// What was received before the end is answered, and a handler that does not come to an end is not waited for for ever.
func TestDrain(t *testing.T) {
	for _, obedient := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.registrar(w.host(1), 1)
			slow := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
				for m, err := conn.Recv(ctx); err == nil; m, err = conn.Recv(ctx) {
					if !obedient {
						<-conn.Conn().Done()
						return
					}
					<-time.After(time.Second)
					conn.Send(context.WithoutCancel(ctx), m)
				}
			})
			el := w.serve(w.client(w.host(2), nil), &Server{Handle: "Slow", Handler: slow, DrainTimeout: 3 * time.Second})
			sess, err := w.client(w.host(9), func(c *Config) { c.FailoverTimeout = time.Second }).Dial(w.ctx, "Slow")
			require.NoError(t, err)
			require.NoError(t, sess.Send(w.ctx, text("one")))
			require.NoError(t, sess.Send(w.ctx, text("two")))
			synctest.Wait()
			start := time.Now()
			require.NoError(t, el.stop())
			if !obedient {
				require.InDelta(t, 3, time.Since(start).Seconds(), 0.1)
				_, err := sess.Recv(w.ctx)
				require.Error(t, err)
				return
			}
			require.InDelta(t, 2, time.Since(start).Seconds(), 0.5)
			for _, want := range []string{"one", "two"} {
				m, err := sess.Recv(w.ctx)
				require.NoError(t, err)
				require.Equal(t, want, string(m.Data))
			}
			_, err = sess.Recv(w.ctx)
			require.ErrorIs(t, err, io.EOF, "it shut down gracefully, and there is no other")
		})
	}
}

// An association that nobody has a service for is refused once it wants one.
func TestNoServiceHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), nil)
		stack := w.stack(w.host(3))
		defer stack.Close()
		conn, err := stack.Dial(w.ctx, c.Addr())
		require.NoError(t, err)
		require.NoError(t, conn.Send(w.ctx, text("x")))
		_, err = conn.Recv(w.ctx)
		_, ok := errors.AsType[*sctp.AbortError](err)
		require.True(t, ok, "%v", err)
	})
}

// TestRequestsSurviveEverything: elements and registrars crash, leave and come back, and the network loses packets; each
// request is answered in the end, and none with the answer to another.
func TestRequestsSurviveEverything(t *testing.T) {
	for i := range 8 {
		s := *seed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { survive(t, rand.New(rand.NewPCG(s, 9))) })
		})
	}
}

func survive(t *testing.T, r *rand.Rand) {
	w := newWorld(t)
	seg := w.net.Segment("10.0.0.0/24")
	seg.Set(simnet.Settings{Delay: time.Millisecond, Loss: 0.02, Duplicate: 0.01})
	change := func(c *Config) {
		c.ASAP.StaleCacheValue = time.Duration(r.IntN(10)-1) * time.Second
		c.FailoverTimeout = -1
	}
	h1 := w.host(1)
	reg := w.registrar(h1, 1)
	hosts, elements := make([]*simnet.Host, 4), make([]*running, 4)
	for i := range elements {
		hosts[i] = w.host(10 + i)
		elements[i] = w.echo(hosts[i], uint32(1+i), change)
	}
	sess, err := w.client(w.host(99), change).Dial(w.ctx, "EchoPool")
	require.NoError(t, err)
	defer sess.Close()
	failures := time.NewTicker(7 * time.Second)
	defer failures.Stop()
	n := 0
	for round := range 600 {
		select {
		case <-failures.C:
			i := n % len(elements)
			n++
			switch {
			case n%5 == 0:
				require.NoError(t, reg.stop())
				reg = w.registrar(h1, 1)
			case elements[i] == nil:
				elements[i] = w.echoLater(hosts[i], uint32(1+i))
			case r.IntN(2) == 0:
				require.NoError(t, elements[i].stop())
				elements[i] = nil
			default:
				w.kill(hosts[i], elements[i])
				require.NoError(t, hosts[i].AddAddr(ip(10+i)))
				elements[i] = nil
			}
			if alive(elements) < 2 {
				for j := range elements {
					if elements[j] == nil {
						elements[j] = w.echoLater(hosts[j], uint32(1+j))
					}
				}
			}
		default:
		}
		q := fmt.Sprintf("request %d", round)
		limited, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
		m, err := sess.Do(limited, text(q))
		cancel()
		require.NoError(t, err, "round %d at %v", round, time.Now())
		require.Equal(t, q, string(m.Data))
		<-time.After(100 * time.Millisecond)
	}
	require.Positive(t, sess.n, "no failover has happened")
}

func alive(elements []*running) (n int) {
	for _, e := range elements {
		if e != nil {
			n++
		}
	}
	return n
}
