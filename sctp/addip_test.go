// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A flow sends numbered messages from one end to the other until it is stopped,
// and checks that they arrive in order.
type flow struct {
	t    *testing.T
	stop chan struct{}
	done chan int
}

func startFlow(t *testing.T, from, to *Conn) *flow {
	f := &flow{t: t, stop: make(chan struct{}), done: make(chan int, 2)}
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-f.stop:
				f.done <- n
				return
			case <-time.After(10 * time.Millisecond):
			}
			if err := from.Send(context.Background(), Message{Data: append(make([]byte, 2000), byte(n))}); err != nil {
				t.Error(err)
				f.done <- n
				return
			}
		}
	}()
	go func() {
		n := 0
		for ; ; n++ {
			m, err := to.Recv(context.Background())
			if err != nil {
				break
			}
			if m.Data[2000] != byte(n) {
				t.Errorf("message %d is not in its place", n)
				break
			}
		}
		f.done <- n
	}()
	return f
}

func (f *flow) end(from *Conn) {
	f.t.Helper()
	close(f.stop)
	sent := <-f.done
	require.NoError(f.t, from.Shutdown(within(f.t, time.Minute)))
	require.Equal(f.t, sent, <-f.done)
	require.Greater(f.t, sent, 100)
}

func peers(c *Conn) (ips []netip.Addr) {
	ips = c.RemoteAddr().IPs
	slices.SortFunc(ips, netip.Addr.Compare)
	return ips
}

// A host gets a new address, makes its peer use it, and gives up the old ones
// during a transfer each way.
func TestHandoverMakeBeforeBreak(t *testing.T) {
	for _, sender := range []string{"mobile", "peer"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 2, Config{HeartbeatInterval: 10 * time.Second})
			ca, cb := w.connect()
			from, to := ca, cb
			if sender == "peer" {
				from, to = cb, ca
			}
			f := startFlow(t, from, to)
			time.Sleep(2 * time.Second)
			ip := w.segs[1].Addr(9)
			require.NoError(t, w.ha.AddAddr(ip))
			require.NoError(t, w.a.AddAddr(within(t, 10*time.Second), ip))
			require.Contains(t, w.a.Addrs(), ip)
			require.NoError(t, ca.SetPeerPrimary(ip))
			require.ErrorIs(t, ca.SetPeerPrimary(w.segs[1].Addr(77)), ErrNoSuchAddress)
			time.Sleep(2 * time.Second)
			require.Equal(t, ip, cb.RemoteAddr().IPs[0], "primary")
			for _, old := range []netip.Addr{w.segs[0].Addr(1), w.segs[1].Addr(1)} {
				require.NoError(t, w.a.RemoveAddr(within(t, 10*time.Second), old))
				w.ha.RemoveAddr(old)
			}
			require.ErrorIs(t, w.a.RemoveAddr(t.Context(), w.segs[0].Addr(1)), ErrNoSuchAddress)
			time.Sleep(2 * time.Second)
			require.Equal(t, []netip.Addr{ip}, peers(cb))
			require.Equal(t, []netip.Addr{ip}, w.a.Addrs())
			f.end(from)
		})
	}
}

// A host loses its only address during a transfer, and gets another one three
// seconds later.
func TestHandoverBreakBeforeMake(t *testing.T) {
	for _, sender := range []string{"mobile", "peer"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1, Config{})
			ca, cb := w.connect()
			from, to := ca, cb
			if sender == "peer" {
				from, to = cb, ca
			}
			f := startFlow(t, from, to)
			time.Sleep(2 * time.Second)
			old, ip := w.segs[0].Addr(1), w.segs[0].Addr(9)
			w.ha.RemoveAddr(old)
			require.NoError(t, w.a.RemoveAddr(within(t, time.Second), old))
			require.Empty(t, w.a.Addrs())
			_, err := w.a.Dial(t.Context(), w.addr(5000))
			require.Error(t, err)
			time.Sleep(3 * time.Second)
			require.NoError(t, w.ha.AddAddr(ip))
			require.NoError(t, w.a.AddAddr(within(t, 10*time.Second), ip))
			require.Equal(t, []netip.Addr{ip}, peers(cb))
			time.Sleep(2 * time.Second)
			f.end(from)
		})
	}
}

// A Stack on all addresses follows those of its host, if it is asked to.
func TestAddressesAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{FollowAddrs: true})
		ca, cb := w.connect()
		f := startFlow(t, ca, cb)
		time.Sleep(2 * time.Second)
		ip := w.segs[0].Addr(9)
		require.NoError(t, w.ha.AddAddr(ip))
		time.Sleep(time.Second)
		require.Len(t, peers(cb), 3)
		w.ha.RemoveAddr(w.segs[0].Addr(1))
		w.ha.RemoveAddr(w.segs[1].Addr(1))
		time.Sleep(15 * time.Second)
		require.Equal(t, []netip.Addr{ip}, peers(cb))
		require.Equal(t, []netip.Addr{ip}, w.a.Addrs())
		// One that comes back before its socket was closed.
		require.NoError(t, w.ha.AddAddr(w.segs[1].Addr(1)))
		time.Sleep(time.Second)
		w.ha.RemoveAddr(w.segs[1].Addr(1))
		time.Sleep(60 * time.Millisecond)
		require.NoError(t, w.ha.AddAddr(w.segs[1].Addr(1)))
		time.Sleep(15 * time.Second)
		require.Len(t, peers(cb), 2)
		f.end(ca)
	})
	_, err := NewStack(&Config{FollowAddrs: true, LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	require.ErrorContains(t, err, "FollowAddrs")
}

// Peers hear of changes in events.
func TestAddressEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		ca, cb := w.connect()
		ip := w.segs[0].Addr(9)
		require.NoError(t, w.ha.AddAddr(ip))
		require.NoError(t, w.a.AddAddr(within(t, time.Second), ip))
		require.NoError(t, w.a.AddAddr(within(t, time.Second), ip), "it is there")
		require.NoError(t, ca.SetPeerPrimary(ip))
		synctest.Wait()
		require.NoError(t, w.a.RemoveAddr(within(t, time.Second), w.segs[0].Addr(1)))
		time.Sleep(time.Second)
		var ours, theirs []AddrChange
		for _, c := range []*Conn{ca, cb} {
			for {
				ev, err := c.NextEvent(within(t, time.Millisecond))
				if errors.Is(err, context.DeadlineExceeded) {
					break
				}
				switch e := ev.(type) {
				case EventLocalAddr:
					require.NoError(t, e.Err)
					ours = append(ours, e.Change)
				case EventPeerAddr:
					theirs = append(theirs, e.Change)
				}
			}
		}
		require.Equal(t, []AddrChange{AddrAdded, AddrPrimary, AddrRemoved}, ours)
		require.Equal(t, []AddrChange{AddrAdded, AddrPrimary, AddrRemoved}, theirs)
		require.Error(t, w.a.AddAddr(t.Context(), netip.IPv4Unspecified()))
		require.Error(t, w.a.AddAddr(t.Context(), w.segs[0].Addr(77)), "not of this host")
		w.a.Close()
		require.ErrorIs(t, w.a.AddAddr(t.Context(), w.segs[0].Addr(1)), net.ErrClosed)
	})
}

// A peer that does not answer does not hold RemoveAddr up for longer than the
// context.
func TestRemoveAddrIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{})
		w.connect()
		for _, s := range w.segs {
			s.Down()
		}
		start := time.Now()
		require.ErrorIs(t, w.a.RemoveAddr(within(t, 2*time.Second), w.segs[0].Addr(1)), context.DeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(start))
		require.Equal(t, []netip.Addr{w.segs[1].Addr(1)}, w.a.Addrs())
	})
}
