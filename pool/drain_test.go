// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
)

// In the end an element deregisters first, then serves the sessions that it has until they end, or had their time, and takes
// no new ones.
func TestLinger(t *testing.T) {
	for _, ends := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.registrar(w.host(1), 1)
			srv := &Server{Handle: "EchoPool", Handler: Echo, Linger: 20 * time.Second, DrainTimeout: 2 * time.Second}
			el := w.serve(w.client(w.host(2), nil), srv)
			c := w.client(w.host(9), func(c *Config) { c.FailoverTimeout = time.Second })
			sess := w.dial(c, "EchoPool", DialOptions{})
			_, err := sess.Do(w.ctx, text("one"))
			require.NoError(t, err)
			require.Equal(t, 1, srv.Sessions())
			element := sess.Element()

			start := time.Now()
			stopped := make(chan time.Duration, 1)
			go func() {
				el.stop()
				stopped <- time.Since(start)
			}()
			<-time.After(time.Second)
			_, err = c.ResolveFresh(w.ctx, "EchoPool")
			require.ErrorIs(t, err, ErrPoolNotFound)
			m, err := sess.Do(w.ctx, text("two"))
			require.NoError(t, err)
			require.Equal(t, "two", string(m.Data))
			conn, err := c.Stack().Dial(w.ctx, element.Addr())
			if err == nil { // registrars may still come to this port; users are refused
				require.NoError(t, conn.Send(w.ctx, text("three")))
				_, err = conn.Recv(w.ctx)
			}
			_, ok := errors.AsType[*sctp.AbortError](err)
			require.True(t, ok, "%v", err)
			if ends {
				require.NoError(t, sess.Close())
				require.InDelta(t, 1, (<-stopped).Seconds(), 0.1)
				return
			}
			require.InDelta(t, 20, (<-stopped).Seconds(), 0.1)
			_, err = sess.Recv(w.ctx)
			require.ErrorIs(t, err, ErrPoolNotFound)
			require.ErrorContains(t, err, "left, and no other was found")
		})
	}
}

// A full element sends clients away in order: they are served by another one, and it is not reported as unreachable.
func TestMaxSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		f := w.fleet(3, func() *Server { return &Server{Handle: "EchoPool", Handler: Echo, MaxSessions: 2} })
		c := w.client(w.host(9), nil)
		sessions := make([]*Session, 6)
		for i := range sessions {
			sessions[i] = w.dial(c, "EchoPool", DialOptions{})
			m, err := sessions[i].Do(w.ctx, text("x"))
			require.NoError(t, err)
			require.Equal(t, "x", string(m.Data))
		}
		for _, srv := range f.servers {
			require.Equal(t, 2, srv.Sessions())
		}
		late := w.dial(c, "EchoPool", DialOptions{})
		limited, cancel := context.WithTimeout(w.ctx, 5*time.Second)
		defer cancel()
		_, err := late.Do(limited, text("x"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		elems, err := c.ResolveFresh(w.ctx, "EchoPool")
		require.NoError(t, err)
		require.Len(t, elems, 3)
		require.NoError(t, sessions[0].Close())
		m, err := late.Do(w.ctx, text("x"))
		require.NoError(t, err)
		require.Equal(t, "x", string(m.Data))
	})
}

// RFC 5352, Section 6.5.2: "A PE can also change its Policy Value whenever it desires, by re-registering itself": at once if
// the load differs by 1 % or more, or else when it re-registers anyway.
func TestLoadIsToldWhenItMatters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		srv := &Server{Handle: "Load", Handler: Echo, Policy: policy.LeastUsed{}}
		require.NoError(t, srv.SetLoad(0.5))
		require.Error(t, srv.SetLoad(1.5))
		w.serve(w.client(w.host(2), nil), srv)
		c := w.client(w.host(9), nil)
		load := func() policy.Policy {
			<-time.After(10 * time.Millisecond)
			elems, err := c.ResolveFresh(w.ctx, "Load")
			require.NoError(t, err)
			return elems[0].Policy
		}
		at := func(f float64) policy.Policy { return policy.LeastUsed{Load: policy.Fraction(f)} }
		require.Equal(t, at(0.5), load(), "that which was set before it was registered")
		require.NoError(t, srv.SetLoad(0.51))
		require.Equal(t, at(0.51), load())
		for _, l := range []float64{0.511, 0.515, 0.5199} {
			require.NoError(t, srv.SetLoad(l))
			require.Equal(t, at(0.51), load(), "%v", l)
		}
		require.NoError(t, srv.SetLoad(0.52))
		require.Equal(t, at(0.52), load(), "small steps add up")
		require.NoError(t, srv.SetLoad(0.519))
		<-time.After(31 * time.Second)
		require.Equal(t, at(0.519), load(), "it re-registers every 30 s")
		require.NoError(t, srv.SetLoad(0.5))
		require.Equal(t, at(0.5), load())
	})
}
