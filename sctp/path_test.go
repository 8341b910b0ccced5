// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
)

// When the primary path dies, messages take the other one, and the user is
// told; when it comes back, too.
func TestFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{PathMaxRetrans: 2, HeartbeatInterval: 5 * time.Second, RTOMax: 5 * time.Second})
		for _, s := range w.segs {
			s.Set(simnet.Settings{Delay: 10 * time.Millisecond})
		}
		a, b := w.connect()
		ctx := within(t, time.Hour)
		<-time.After(20 * time.Second) // of the bubble: both paths are confirmed
		require.Len(t, a.Paths(), 2)
		for _, p := range a.Paths() {
			require.Equal(t, PathActive, p.State, "%v", p.Remote)
		}

		w.segs[0].Down()
		for i := range 100 {
			require.NoError(t, a.Send(ctx, Message{Data: fmt.Appendf(nil, "%d", i)}))
			m, err := b.Recv(ctx)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(m.Data))
		}
		waitPath := func(want PathState) {
			for {
				ev, err := a.NextEvent(ctx)
				require.NoError(t, err)
				if p, ok := ev.(EventPathChange); ok && p.State == want && p.Remote.Addr() == netip.MustParseAddr("10.1.0.2") {
					return
				}
			}
		}
		waitPath(PathInactive)
		w.segs[0].Up()
		waitPath(PathActive)
	})
}

func TestSetPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{})
		a, b := w.connect()
		ctx := within(t, time.Minute)
		<-time.After(10 * time.Second)
		second := netip.MustParseAddr("10.2.0.2")
		require.NoError(t, a.SetPrimary(second))
		require.Equal(t, second, a.RemoteAddr().IPs[0], "the primary comes first")
		require.ErrorIs(t, a.SetPrimary(netip.MustParseAddr("10.9.0.2")), ErrNoSuchPath)
		require.ErrorIs(t, a.RequestHeartbeat(netip.MustParseAddr("10.9.0.2")), ErrNoSuchPath)
		require.NoError(t, a.RequestHeartbeat(second))
		require.NoError(t, a.Send(ctx, text("x")))
		m, err := b.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, netip.MustParseAddr("10.2.0.1"), m.Remote.Addr())
	})
}

// A host that comes up again dials from the same port: its peer keeps the Conn,
// gets EventRestart, and open Streams say so.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		ctx := within(t, time.Minute)
		_, err = w.a.DialFrom(ctx, 4000, w.addr(5000))
		require.NoError(t, err)
		b, err := l.Accept(ctx)
		require.NoError(t, err)
		st := b.Stream(1)

		w.segs[0].Down() // so that the peer does not hear of it
		require.NoError(t, w.a.Close())
		w.segs[0].Up()
		s, err := NewStack(&Config{Network: w.ha.Network(), Rand: rand.New(rand.NewPCG(*seed, 3))})
		require.NoError(t, err)
		defer s.Close()
		a, err := s.DialFrom(ctx, 4000, w.addr(5000))
		require.NoError(t, err)

		_, err = st.Read(make([]byte, 10))
		require.ErrorIs(t, err, ErrRestart)
		for {
			ev, err := b.NextEvent(ctx)
			require.NoError(t, err)
			if _, ok := ev.(EventRestart); ok {
				break
			}
		}
		require.Equal(t, 1, w.b.Stats().Associations)
		require.NoError(t, a.Send(ctx, Message{Stream: 1, Data: []byte("new")}))
		st = b.Stream(1)
		buf := make([]byte, 10)
		n, err := st.Read(buf)
		require.NoError(t, err)
		require.Equal(t, "new", string(buf[:n]))
		require.NoError(t, b.Send(ctx, text("hello again")))
		m, err := a.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, "hello again", string(m.Data))
	})
}

func TestEventQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := eventQueue{signal: make(chan struct{}, 1)}
		path := func(i int, s PathState) EventPathChange {
			return EventPathChange{Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 9899), State: s}
		}
		q.push(EventCommUp{})
		for range 100 {
			q.push(path(1, PathInactive))
			q.push(path(2, PathActive))
			q.push(path(1, PathActive))
		}
		require.Len(t, q.items, 3, "the latest of each path is enough")
		require.Equal(t, path(1, PathActive), q.items[1])

		for range maxEvents {
			q.push(EventSendFailed{})
		}
		require.EqualValues(t, 3, q.dropped, "the oldest went")
		q.push(EventCommLost{})
		ctx := context.Background()
		for range maxEvents - 1 {
			ev, err := q.next(ctx)
			require.NoError(t, err)
			require.IsType(t, EventSendFailed{}, ev)
		}
		ev, err := q.next(ctx)
		require.NoError(t, err)
		require.Equal(t, EventCommLost{}, ev)
		for range 2 {
			_, err = q.next(ctx)
			require.Equal(t, io.EOF, err)
		}
	})
}
