// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"maps"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
)

// TestRegistrarRestart: RSPLIB's elements wait for their next re-registration after the registrar is back; ours do not.
func TestRegistrarRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h1 := w.host(1)
		r := w.registrar(h1, 1)
		c := w.client(w.host(2), nil)
		reg, err := c.Register(w.ctx, Registration{Handle: "EchoPool", ID: 0xa})
		require.NoError(t, err)
		require.Equal(t, RegistrationUp, reg.State())
		e, err := reg.NextEvent(w.ctx)
		require.NoError(t, err)
		require.Equal(t, RegistrationUp, e.State)

		require.NoError(t, r.stop())
		e, err = reg.NextEvent(w.ctx)
		require.NoError(t, err)
		require.Equal(t, RegistrationDown, e.State)
		require.Error(t, e.Err)
		time.AfterFunc(3*time.Second, func() { w.registrar(h1, 1) })
		start := time.Now()
		e, err = reg.NextEvent(w.ctx)
		require.NoError(t, err)
		require.Equal(t, RegistrationUp, e.State)
		require.Less(t, time.Since(start), 8*time.Second, "before T4 ends at 30 s")

		require.NoError(t, reg.Deregister(w.ctx))
		e, err = reg.NextEvent(w.ctx)
		require.NoError(t, err)
		require.Equal(t, RegistrationOver, e.State)
		_, err = reg.NextEvent(w.ctx)
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = c.ResolveFresh(w.ctx, "EchoPool")
		require.ErrorIs(t, err, ErrPoolNotFound)
	})
}

// RFC 5353, Section 3.5: the other registrar takes the elements of the one that has crashed over. It tells so to those that
// know of no other, before they would have looked for one.
func TestRegistrarCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h1 := w.host(1)
		r := w.registrar(h1, 1)
		w.registrar(w.host(11), 2)
		c := w.client(w.host(2), nil)
		reg, err := c.Register(w.ctx, Registration{Handle: "EchoPool", ID: 0xa})
		require.NoError(t, err)
		c2 := w.client(w.host(3), func(c *Config) { c.Registrars = []string{"10.0.0.1:3863", "10.0.0.11:3863"} })
		_, err = c2.Register(w.ctx, Registration{Handle: "EchoPool", ID: 0xb})
		require.NoError(t, err)
		u := w.client(w.host(4), func(c *Config) { c.Registrars = []string{"10.0.0.11:3863"} })
		homes := func() map[uint32]uint32 {
			elems, _ := u.ResolveFresh(w.ctx, "EchoPool")
			m := map[uint32]uint32{}
			for _, e := range elems {
				m[e.ID] = e.HomeID
			}
			return m
		}
		w.until("the second registrar knows both", func() bool { return homes()[0xa] == 1 && len(homes()) == 2 })
		w.kill(h1, r)
		died := time.Now()
		w.until("both are at home at the second registrar", func() bool {
			require.Len(t, homes(), 2, "nobody is lost")
			return maps.Equal(homes(), map[uint32]uint32{0xa: 2, 0xb: 2})
		})
		t.Logf("taken over after %v", time.Since(died))
		require.Less(t, time.Since(died), 10*time.Second)
		w.until("the element is registered", func() bool { return reg.State() == RegistrationUp })
	})
}

func TestReregistrationTellsNewLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), nil)
		a, err := c.Register(w.ctx, Registration{Handle: "P", ID: 0xa, Policy: policy.LeastUsed{}})
		require.NoError(t, err)
		_, err = c.Register(w.ctx, Registration{Handle: "P", ID: 0xa})
		require.ErrorContains(t, err, "registered already")
		b, err := c.Register(w.ctx, Registration{Handle: "P", ID: 0xb, Policy: policy.LeastUsed{Load: policy.Fraction(0.5)}})
		require.NoError(t, err)
		first := func() uint32 {
			elems, err := c.ResolveFresh(w.ctx, "P")
			require.NoError(t, err)
			require.Len(t, elems, 2)
			return elems[0].ID
		}
		require.Equal(t, uint32(0xa), first())
		require.NoError(t, a.SetLoad(0.75))
		w.until("the load is known", func() bool { return first() == 0xb })
		require.NoError(t, b.UpdatePolicy(policy.LeastUsed{Load: policy.Fraction(1)}))
		w.until("the load is known", func() bool { return first() == 0xa })
	})
}

// RFC 5352, Section 3.1: "If different, the ENRP server MUST reject the registration."
func TestRejectedRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), nil)
		_, err := c.Register(w.ctx, Registration{Handle: "P", Policy: policy.Random{}})
		require.NoError(t, err)
		_, err = c.Register(w.ctx, Registration{Handle: "P"})
		rejected, ok := errors.AsType[*RejectedError](err)
		require.True(t, ok, "%v", err)
		require.True(t, rejected.Causes.Has(param.CauseInconsistentPolicy))

		srv := &Server{Handle: "P", Handler: Echo}
		_, ok = errors.AsType[*RejectedError](srv.Serve(w.ctx, c))
		require.True(t, ok)
		require.Error(t, (&Server{Handle: "P"}).Serve(w.ctx, c), "no handler")
	})
}

func TestRegisterGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client(w.host(2), nil) // there is no registrar
		ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
		defer cancel()
		_, err := c.Register(ctx, Registration{Handle: "P"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.Resolve(ctx, "P")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.Resolve(w.ctx, "P")
		require.ErrorIs(t, err, ErrNoRegistrar)
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		err = (&Server{Handle: "P", Handler: Echo}).Serve(w.ctx, c)
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorContains(t, err, "client is closed")
		_, err = c.Resolve(w.ctx, "P")
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = c.Register(w.ctx, Registration{Handle: "P"})
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = c.Dial(w.ctx, "P")
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, c.ReportUnreachable(w.ctx, "P", 1), net.ErrClosed)
	})
}

// What makes no sense is refused in a few words, before anything is sent.
func TestMisuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), nil)
		for _, h := range []string{"", strings.Repeat("x", 65532), strings.Repeat("x", 65531)} {
			_, err1 := c.Register(w.ctx, Registration{Handle: h})
			_, err2 := c.Resolve(w.ctx, h)
			_, err3 := c.Dial(w.ctx, h)
			for _, err := range []error{err1, err2, err3, (&Server{Handle: h, Handler: Echo}).Serve(w.ctx, c)} {
				require.Error(t, err)
				require.Less(t, len(err.Error()), 250)
				require.Regexp(t, "the pool handle|longer than", err.Error())
			}
		}
		reg, err := c.Register(w.ctx, Registration{Handle: "P", Policy: policy.LeastUsed{}})
		require.NoError(t, err)
		srv := &Server{Handle: "P", Policy: policy.LeastUsed{}, Handler: Echo}
		for _, load := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
			require.ErrorContains(t, reg.SetLoad(load), "is not a number from 0 to 1")
			require.ErrorContains(t, srv.SetLoad(load), "is not a number from 0 to 1")
		}
		require.NoError(t, reg.SetLoad(1))
		require.ErrorContains(t, reg.UpdatePolicy(nil), "the policy is nil")

		ctx, cancel := context.WithCancel(w.ctx)
		done := make(chan error)
		go func() { done <- srv.Serve(ctx, c) }()
		<-srv.Ready()
		require.ErrorContains(t, srv.Serve(ctx, c), "Serve was called before")
		cancel()
		require.NoError(t, <-done)
		require.ErrorContains(t, srv.Serve(w.ctx, c), "Serve was called before")
	})
}

// RFC 5352, Section 3.4, KA2.4: a registrar that takes an element over sets up an association to the port the element was
// registered from, and says so with the H flag.
func TestKeepAliveWithHomeFlag(t *testing.T) {
	for _, served := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.registrar(w.host(1), 1)
			c := w.client(w.host(2), nil)
			if served {
				srv := &Server{Handle: "EchoPool", ID: 0xa, Handler: Echo}
				w.run(c.Stack(), func(ctx context.Context) error { return srv.Serve(ctx, c) })
				<-srv.Ready()
			} else {
				_, err := c.Register(w.ctx, Registration{Handle: "EchoPool", ID: 0xa})
				require.NoError(t, err)
			}
			// The test is the other registrar.
			other := w.stack(w.host(11))
			defer other.Close()
			ln, err := other.Listen(3863)
			require.NoError(t, err)
			defer ln.Close()
			conn, err := other.DialFrom(w.ctx, 3863, c.Addr())
			require.NoError(t, err)
			send := func(m asap.Message) {
				b, err := m.AppendBinary(nil)
				require.NoError(t, err)
				require.NoError(t, conn.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: b}))
			}
			recv := func() asap.Message {
				m, err := conn.Recv(w.ctx)
				require.NoError(t, err)
				require.EqualValues(t, asap.PPID, m.PPID)
				msg, _, err := asap.Parse(m.Data)
				require.NoError(t, err)
				return msg
			}
			start := time.Now()
			send(&asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 0xa, ServerID: 2})
			require.Equal(t, &asap.EndpointKeepAliveAck{PoolHandle: "EchoPool", PEID: 0xa}, recv())
			send(&asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 0xa, ServerID: 2, Home: true})
			require.Equal(t, &asap.EndpointKeepAliveAck{PoolHandle: "EchoPool", PEID: 0xa}, recv())
			require.IsType(t, &asap.Registration{}, recv())
			require.Less(t, time.Since(start), time.Second)
			send(&asap.RegistrationResponse{PoolHandle: "EchoPool", PEID: 0xa})
			u := w.client(w.host(9), nil)
			w.until("the first registrar has lost the element", func() bool {
				_, err := u.ResolveFresh(w.ctx, "EchoPool")
				return errors.Is(err, ErrPoolNotFound)
			})
			require.NoError(t, conn.Close())
		})
	}
}

// An element that is resolved from the cache may be gone; and one that has come is not seen before the cache is stale.
func TestCacheStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		w.echo(w.host(2), 0xa, nil)
		c := w.client(w.host(9), func(c *Config) { c.ASAP.StaleCacheValue = 10 * time.Second })
		count := func() int {
			elems, err := c.Resolve(w.ctx, "EchoPool")
			require.NoError(t, err)
			return len(elems)
		}
		require.Equal(t, 1, count())
		start := time.Now()
		w.echo(w.host(3), 0xb, nil)
		require.Equal(t, 1, count())
		w.until("both are known", func() bool { return count() == 2 })
		require.InDelta(t, 10, time.Since(start).Seconds(), 0.1)
		require.NoError(t, c.ReportUnreachable(w.ctx, "EchoPool", 0xa))
		require.Equal(t, 1, count(), "it is not used again before the registrar names it anew")
	})
}

// Registrars are found by their announcements, wherever they are.
func TestAnnouncedRegistrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 7)
		c := w.client(w.host(2), func(c *Config) { c.Registrars = nil })
		_, err := c.Register(w.ctx, Registration{Handle: "P"})
		require.NoError(t, err)
		require.Equal(t, "10.0.0.1:3863", c.Registrars()[len(c.Registrars())-1])
	})
}

func TestConfigIsValidated(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Registrars: []string{"10.0.0.1"}}, `Registrars[0]: sctp: address "10.0.0.1": no SCTP port`},
		{Config{Registrars: []string{"10.0.0.1:3863", ":3863"}}, "Registrars[1]"},
		{Config{Announce: "10.0.0.1:3863"}, "Announce"},
		{Config{Announce: "224.0.1.185"}, "Announce"},
		{Config{ConnectTimeout: -1}, "ConnectTimeout"},
		{Config{ASAP: agent.Config{T1ENRPRequest: -1}}, "T1ENRPRequest"},
		{Config{ASAP: agent.Config{T4Reregistration: 1}}, "T4Reregistration"},
	} {
		require.ErrorContains(t, c.cfg.Validate(), c.want)
		_, err := NewClient(&c.cfg)
		require.ErrorContains(t, err, c.want)
	}
	require.NoError(t, (&Config{}).Validate())
	require.NoError(t, (*Config)(nil).Validate())
}
