// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

func TestDialRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		_, err := w.a.Dial(context.Background(), w.addr(1))
		abort, ok := errors.AsType[*AbortError](err)
		require.True(t, ok, "%v", err)
		require.True(t, abort.Peer)
		require.ErrorContains(t, err, "sctp: dial 10.1.0.2:1: ")
		require.Zero(t, w.a.Stats().Associations)
	})
}

func TestDialUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{MaxInitRetransmits: 2})
		w.segs[0].Down()
		w.segs[1].Down()
		start := time.Now()
		_, err := w.a.Dial(context.Background(), w.addr(5000))
		lost, ok := errors.AsType[*LostError](err)
		require.True(t, ok, "%v", err)
		require.True(t, lost.Timeout())
		require.ErrorContains(t, err, "sctp: dial 10.1.0.2,10.2.0.2:5000: ")
		require.ErrorContains(t, err, "3 packets sent from UDP port 9899 to [10.1.0.2:9899 10.2.0.2:9899], 0 received, in ")
		require.Equal(t, 4*time.Second, time.Since(start), "1 s to one address, 1 s to the other, 2 s to the first")
		require.Zero(t, w.a.Stats().Associations)
	})
}

func TestDialCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		w.segs[0].Down()
		_, err := w.a.Dial(within(t, 1500*time.Millisecond), w.addr(5000))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "2 packets sent")
		require.Zero(t, w.a.Stats().Associations, "nothing is left of it")

		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = w.a.Dial(gone, w.addr(5000))
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestDialEndsWithTheStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		w.segs[0].Down()
		time.AfterFunc(time.Second, func() { w.a.Close() })
		_, err := w.a.Dial(context.Background(), w.addr(5000))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = w.a.Dial(context.Background(), w.addr(5000))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = w.a.Listen(1)
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestDialBadAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		for want, a := range map[string]*Addr{
			"no address":              nil,
			"no IP address":           {Port: 5},
			"SCTP port is 0":          w.addr(0),
			"unspecified address":     {IPs: []netip.Addr{netip.IPv4Unspecified()}, Port: 5},
			"is a multicast address":  {IPs: []netip.Addr{netip.MustParseAddr("224.0.0.1")}, Port: 5},
			"no suitable local addre": {IPs: []netip.Addr{netip.MustParseAddr("2001:db8::1")}, Port: 5},
		} {
			_, err := w.a.Dial(within(t, time.Minute), a)
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "sctp: dial "+a.String())
		}
	})
}

func TestDialFromAListeningPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		_, err := w.a.Listen(9901)
		require.NoError(t, err)
		l, err := w.b.Listen(9901)
		require.NoError(t, err)
		c, err := w.a.DialFrom(within(t, time.Minute), 9901, w.addr(9901))
		require.NoError(t, err)
		require.EqualValues(t, 9901, c.LocalAddr().Port)
		d, err := l.Accept(within(t, time.Minute))
		require.NoError(t, err)
		require.EqualValues(t, 9901, d.RemoteAddr().Port)
		_, err = w.a.DialFrom(within(t, time.Minute), 9901, w.addr(9901))
		require.Error(t, err, "there is one association between two ports")
	})
}

// The Stacks of Dial and Listen end with what they were made for.
func TestOneLiners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		ha, hb, _ := n.Pair(2)
		ctx := within(t, time.Minute)
		l, err := Listen(":5000", &Config{Network: hb.Network()})
		require.NoError(t, err)
		require.Equal(t, "10.1.0.2,10.2.0.2:5000", l.Addr().String())
		a, err := Dial(ctx, l.Addr().String(), &Config{Network: ha.Network()})
		require.NoError(t, err)
		require.NotEqualValues(t, 9899, a.LocalAddr().EncapPort, "left for a server")
		b, err := l.Accept(ctx)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		require.ErrorIs(t, l.Close(), net.ErrClosed)

		require.NoError(t, a.Send(ctx, text("the last one")))
		require.NoError(t, a.Close())
		<-a.stack.released
		m, err := b.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, "the last one", string(m.Data))
		<-b.stack.released

		_, err = Dial(ctx, "10.1.0.2:5000", &Config{Network: ha.Network(), MaxInitRetransmits: -1})
		require.Error(t, err)
		_, err = Dial(ctx, "10.1.0.2", nil)
		require.ErrorContains(t, err, "no SCTP port")
		_, err = Listen("10.1.0.2:5000/9899", &Config{Network: ha.Network()})
		require.ErrorContains(t, err, "open UDP port 9899 on 10.1.0.2: ")
	})
}

func TestEncapPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		h, _, _ := n.Pair(2)
		var mu sync.Mutex
		var log bytes.Buffer
		open := func(port int) (*Stack, error) {
			s, err := NewStack(&Config{Network: h.Network(), EncapPort: port, Logger: slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, nil))})
			if err == nil {
				t.Cleanup(func() { s.Close() })
			}
			return s, err
		}
		s, err := open(0)
		require.NoError(t, err)
		require.EqualValues(t, 9899, s.EncapPort())
		require.Empty(t, log.String())

		s, err = open(0)
		require.NoError(t, err)
		require.NotEqualValues(t, 9899, s.EncapPort())
		require.Len(t, s.Addrs(), 2)
		require.Contains(t, log.String(), "UDP port 9899 is not free")

		_, err = open(9899)
		require.ErrorContains(t, err, "open UDP port 9899 on 10.1.0.1: ")
		s, err = open(7000)
		require.NoError(t, err)
		require.EqualValues(t, 7000, s.EncapPort())
		s, err = open(-1)
		require.NoError(t, err)
		require.NotZero(t, s.EncapPort())
	})
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// A port that is taken on the second address only is not taken on the first.
func TestEncapPortIsTheSameOnAllAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		h, _, _ := n.Pair(2)
		sock, err := h.Listen(t.Context(), netip.MustParseAddrPort("10.2.0.1:9899"))
		require.NoError(t, err)
		defer sock.Close()
		s, err := NewStack(&Config{Network: h.Network()})
		require.NoError(t, err)
		defer s.Close()
		require.NotEqualValues(t, 9899, s.EncapPort())
		for _, sock := range *s.sockets.Load() {
			require.Equal(t, s.EncapPort(), sock.LocalAddr().Port())
		}
	})
}

// An address that cannot be used is left out if nobody asked for it.
func TestUnusableAddressIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := simnet.New(*seed).Pair(1)
		nw := extraAddr{h.Network(), netip.MustParseAddr("192.0.2.1")}
		s, err := NewStack(&Config{Network: nw})
		require.NoError(t, err)
		require.EqualValues(t, 9899, s.EncapPort())
		require.Equal(t, []netip.Addr{netip.MustParseAddr("10.1.0.1")}, s.Addrs())
		s.Close()
		_, err = NewStack(&Config{Network: nw, LocalAddrs: []netip.Addr{nw.extra}})
		require.ErrorContains(t, err, "192.0.2.1")
	})
}

type extraAddr struct {
	udpencap.Network
	extra netip.Addr
}

func (e extraAddr) Addrs() ([]netip.Addr, error) {
	a, err := e.Network.Addrs()
	return append(a, e.extra), err
}

// RFC 9260, Section 5.1.2: "The receiver SHOULD use only these transport addresses as destination transport addresses when
// sending subsequent packets to its peer." Others that were dialled may be somebody else's, who would abort.
func TestAddressesThatThePeerDoesNotListAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		ha, hb, _ := n.Pair(2)
		addrs, err := hb.Addrs()
		require.NoError(t, err)
		for _, a := range addrs { // a stack on each
			l, err := Listen(":7", &Config{Network: hb.Network(), LocalAddrs: []netip.Addr{a}})
			require.NoError(t, err)
			defer l.Close()
		}
		s, err := NewStack(&Config{Network: ha.Network(), HeartbeatInterval: time.Second})
		require.NoError(t, err)
		defer s.Close()
		c, err := s.Dial(within(t, time.Minute), &Addr{IPs: addrs, Port: 7})
		require.NoError(t, err)
		require.Len(t, c.Paths(), 1)
		require.Equal(t, addrs[0], c.Paths()[0].Remote.Addr())
		<-time.After(10 * time.Second) // with heartbeats
		require.NoError(t, c.Err())
		require.NoError(t, c.Close())
	})
}
