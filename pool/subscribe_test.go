// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// next returns what a subscription has to tell within a limit.
func (w *world) next(s *Subscription, limit time.Duration) PoolState {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	state, err := s.Next(ctx)
	require.NoError(w.t, err)
	return state
}

func (w *world) silent(s *Subscription, d time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, d)
	defer cancel()
	state, err := s.Next(ctx)
	require.ErrorIs(w.t, err, context.DeadlineExceeded, "%v", state)
}

func elementIDs(s PoolState) (ids []uint32) {
	for _, e := range s.Elements {
		ids = append(ids, e.ID)
	}
	return ids
}

// RFC 5352, Section 2.2.5: the S bit. What comes and goes is told at once, without being asked for, and the cache knows it.
func TestSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 0x11111111)
		c := w.client(w.host(9), nil)
		s, err := c.Subscribe("EchoPool")
		require.NoError(t, err)
		require.Equal(t, "EchoPool", s.Handle())
		state := w.next(s, 10*time.Second)
		require.ErrorIs(t, state.Err, ErrPoolNotFound)
		require.False(t, state.Pushed)

		ha := w.host(2)
		a := w.echo(ha, 0xa, nil)
		state = w.next(s, 6*time.Second)
		require.NoError(t, state.Err)
		require.True(t, state.Pushed)
		require.Equal(t, []uint32{0xa}, elementIDs(state))
		w.silent(s, time.Hour)

		b := w.echo(w.host(3), 0xb, nil)
		require.Equal(t, []uint32{0xa, 0xb}, elementIDs(w.next(s, time.Second)))
		elems, err := c.Resolve(w.ctx, "EchoPool")
		require.NoError(t, err)
		require.Len(t, elems, 2)

		second, err := c.Subscribe("EchoPool")
		require.NoError(t, err)
		require.Equal(t, []uint32{0xa, 0xb}, elementIDs(w.next(second, 0)), "it knows at once")
		w.silent(s, time.Minute)

		start := time.Now()
		require.NoError(t, b.stop())
		require.Equal(t, []uint32{0xa}, elementIDs(w.next(s, time.Second)))
		require.Less(t, time.Since(start), 2*time.Second)
		require.Equal(t, []uint32{0xa}, elementIDs(w.next(second, time.Second)))
		require.NoError(t, second.Close())
		_, err = second.Next(w.ctx)
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, second.Close())

		w.kill(ha, a)
		state = w.next(s, time.Minute)
		require.ErrorIs(t, state.Err, ErrPoolNotFound)
		w.echo(w.host(4), 0xd, nil)
		require.Equal(t, []uint32{0xd}, elementIDs(w.next(s, 6*time.Second)))
		require.NoError(t, s.Close())
	})
}

// RFC 5352, Section 2.2.5: "upon change of Home ENRP server, the PU will need to re-send an ASAP_HANDLE_RESOLUTION message
// with the 'S' bit set to '1'."
func TestSubscriptionSurvivesItsRegistrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h1, h2 := w.host(1), w.host(5)
		first := w.registrar(h1, 0x11111111)
		w.registrar(h2, 0x22222222)
		both := func(c *Config) { c.Registrars = []string{"10.0.0.1:3863", "10.0.0.5:3863"} }
		user := w.client(w.host(9), func(c *Config) { c.Registrars = []string{"10.0.0.1:3863", "10.0.0.5:3863"} })
		w.echo(w.host(2), 0xa, both)
		s, err := user.Subscribe("EchoPool")
		require.NoError(t, err)
		for state := w.next(s, time.Minute); !state.Pushed; {
			state = w.next(s, time.Minute) // the other registrar may hear of it later
		}
		w.kill(h1, first)
		w.echo(w.host(3), 0xb, func(c *Config) { c.Registrars = []string{"10.0.0.5:3863"} })
		w.until("it knows of the new one, from whoever is there", func() bool {
			return len(elementIDs(w.next(s, 5*time.Minute))) == 2
		})
		require.NoError(t, s.Close())
	})
}

// A client that is closed closes its subscriptions, and whoever waits hears it.
func TestSubscriptionOfAClosedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client(w.host(9), nil)
		_, err := c.Subscribe("")
		require.Error(t, err)
		_, err = c.Subscribe(strings.Repeat("x", 1<<16))
		require.Error(t, err)
		s, err := c.Subscribe("EchoPool")
		require.NoError(t, err)
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				for {
					if _, err := s.Next(w.ctx); err != nil {
						errs <- err
						return
					}
				}
			}()
		}
		synctest.Wait()
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-errs, net.ErrClosed)
		require.ErrorIs(t, <-errs, net.ErrClosed)
		_, err = c.Subscribe("EchoPool")
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, s.Close())
	})
}
