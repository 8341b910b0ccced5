// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// A faultyNetwork has sockets which fail now and then.
type faultyNetwork struct {
	udpencap.Network
	reads  atomic.Int64 // how many reads fail from now on
	reason error        // why they fail, if not for errFault
	writes atomic.Int64 // of how many writes the first datagram fails
}

type faultySocket struct {
	udpencap.Socket
	n *faultyNetwork
}

var errFault = errors.New("injected fault")

func (n *faultyNetwork) Listen(ctx context.Context, a netip.AddrPort) (udpencap.Socket, error) {
	s, err := n.Network.Listen(ctx, a)
	return faultySocket{s, n}, err
}

func (s faultySocket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	if s.n.reads.Add(-1) >= 0 {
		if s.n.reason != nil {
			return 0, s.n.reason
		}
		return 0, errFault
	}
	return s.Socket.ReadBatch(dgs)
}

func (s faultySocket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	if s.n.writes.Add(-1) >= 0 {
		return 0, errFault
	}
	return s.Socket.WriteBatch(dgs)
}

// Failed reads are tried again, after pauses that grow.
func TestReadErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		ha, hb, _ := n.Pair(1)
		nw := &faultyNetwork{Network: ha.Network()}
		nw.reads.Store(5)
		l, err := Listen(":7", &Config{Network: hb.Network()})
		require.NoError(t, err)
		defer l.Close()
		start := time.Now()
		a, err := Dial(within(t, time.Minute), "10.1.0.2:7", &Config{Network: nw})
		require.NoError(t, err)
		require.Equal(t, 31*time.Millisecond, time.Since(start), "1 + 2 + 4 + 8 + 16 ms")
		require.EqualValues(t, 5, a.stack.Stats().ReadErrors)
		require.NoError(t, a.Close())

		nw.reads.Store(1000)
		s, err := NewStack(&Config{Network: nw})
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, s.Close(), "the pause ends with the Stack")
	})
}

// RFC 6951, Section 5.5: "the SCTP stack MUST NOT rely on receiving ICMP or ICMPv6
// messages". What they leave behind on a socket, which on Windows is WSAECONNRESET or
// WSAENETRESET without the address of the peer, does not end reading, should it come
// through to the Stack.
func TestICMPErrorsDoNotEndReading(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ECONNRESET, syscall.ENETRESET, syscall.ECONNREFUSED,
		10054 /* WSAECONNRESET */, 10052 /* WSAENETRESET */} {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.New(*seed)
			ha, hb, _ := n.Pair(1)
			nw := &faultyNetwork{Network: hb.Network(), reason: &net.OpError{Op: "read", Err: os.NewSyscallError("wsarecvfrom", errno)}}
			l, err := Listen(":7", &Config{Network: nw})
			require.NoError(t, err)
			defer l.Close()
			a, err := Dial(within(t, time.Minute), "10.1.0.2:7", &Config{Network: ha.Network()})
			require.NoError(t, err)
			b, err := l.Accept(t.Context())
			require.NoError(t, err)
			for range 20 {
				nw.reads.Store(3)
				require.NoError(t, a.Send(t.Context(), text("heard")))
				m, err := b.Recv(within(t, time.Minute))
				require.NoError(t, err)
				require.Equal(t, "heard", string(m.Data))
			}
			require.NoError(t, a.Close())
		})
	}
}

// What cannot be written is lost, and sent again in time; Dial tells.
func TestWriteErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		ha, hb, _ := n.Pair(1)
		nw := &faultyNetwork{Network: ha.Network()}
		l, err := Listen(":7", &Config{Network: hb.Network()})
		require.NoError(t, err)
		defer l.Close()

		nw.writes.Store(1000)
		_, err = Dial(within(t, 2*time.Second), "10.1.0.2:7", &Config{Network: nw})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "sending failed: injected fault")

		nw.writes.Store(1)
		a, err := Dial(within(t, time.Minute), "10.1.0.2:7", &Config{Network: nw})
		require.NoError(t, err)
		b, err := l.Accept(t.Context())
		require.NoError(t, err)
		nw.writes.Store(1)
		require.NoError(t, a.Send(t.Context(), text("again")))
		m, err := b.Recv(within(t, time.Minute))
		require.NoError(t, err)
		require.Equal(t, "again", string(m.Data))
		require.EqualValues(t, 2, a.stack.Stats().WriteErrors)
		require.NoError(t, a.Close())
	})
}

// The rest of a batch goes out after a datagram that failed.
func TestWriteGoesOnAfterAnError(t *testing.T) {
	local, remote := netip.MustParseAddrPort("10.0.0.1:9899"), netip.MustParseAddrPort("10.0.0.2:9899")
	sock := &recordingSocket{local: local, fail: map[int]error{
		0: errFault, 2: &udpencap.MTUError{Dst: remote, MTU: 1400},
	}}
	var s Stack
	s.sockets.Store(&[]udpencap.Socket{sock})
	o := getOutput()
	for i := range 4 {
		o.dgs = append(o.dgs, udpencap.Datagram{Data: []byte{byte(i)}, Dst: remote})
		o.from = append(o.from, local)
	}
	o.dgs = append(o.dgs, udpencap.Datagram{Data: []byte{9}, Dst: remote})
	o.from = append(o.from, netip.MustParseAddrPort("10.9.9.9:1")) // no such socket
	o.write(&s)
	require.Equal(t, []byte{1, 3}, sock.sent)
	require.EqualValues(t, 3, s.count.writeErrors.Load())
	require.Len(t, o.mtus, 1)
	require.Error(t, o.err)
	putOutput(o)
}

type recordingSocket struct {
	udpencap.Socket
	local netip.AddrPort
	fail  map[int]error // by content
	sent  []byte
}

func (r *recordingSocket) LocalAddr() netip.AddrPort { return r.local }

func (r *recordingSocket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	for i, d := range dgs {
		if err := r.fail[int(d.Data[0])]; err != nil {
			return i, err
		}
		r.sent = append(r.sent, d.Data[0])
	}
	return len(dgs), nil
}

// A slowNetwork has sockets whose write of a COOKIE ECHO returns a while after
// it has left.
type slowNetwork struct{ udpencap.Network }

type slowSocket struct{ udpencap.Socket }

func (n slowNetwork) Listen(ctx context.Context, a netip.AddrPort) (udpencap.Socket, error) {
	s, err := n.Network.Listen(ctx, a)
	return slowSocket{s}, err
}

func (s slowSocket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	n, err := s.Socket.WriteBatch(dgs)
	if wire.ChunkType(dgs[0].Data[wire.HeaderLen]) == wire.ChunkCookieEcho {
		<-time.After(10 * time.Millisecond)
	}
	return n, err
}

// What the peer sends from its other address upon our COOKIE ECHO belongs to
// the association, even before the COOKIE ECHO's write returns.
func TestAddressesAreKnownBeforeTheCookieIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		ha, hb, _ := n.Pair(2)
		l, err := Listen(":7", &Config{Network: hb.Network()})
		require.NoError(t, err)
		defer l.Close()
		a, err := Dial(within(t, time.Minute), "10.1.0.2:7", &Config{Network: slowNetwork{ha.Network()}})
		require.NoError(t, err)
		b, err := l.Accept(t.Context())
		require.NoError(t, err)
		<-time.After(time.Second)
		require.Zero(t, a.stack.Stats().OutOfTheBlue)
		for _, p := range append(a.Paths(), b.Paths()...) {
			require.Equal(t, assoc.PathActive, p.State, "path to %v", p.Remote)
		}
		require.NoError(t, a.Close())
	})
}

func TestIPv6AndIPv4Together(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ip := netip.MustParseAddr
		n := simnet.New(*seed)
		ha := n.Host("a", ip("10.0.0.1"), ip("2001:db8::1"))
		hb := n.Host("b", ip("2001:db8::2"), ip("10.0.0.2"))
		l, err := Listen(":7", &Config{Network: hb.Network()})
		require.NoError(t, err)
		defer l.Close()
		require.Equal(t, "[2001:db8::2],10.0.0.2:7", l.Addr().String())
		a, err := Dial(within(t, time.Minute), "[2001:db8::2]:7", &Config{Network: ha.Network()})
		require.NoError(t, err)
		b, err := l.Accept(t.Context())
		require.NoError(t, err)
		require.Len(t, a.Paths(), 2, "the other address is known from INIT ACK")
		require.Len(t, b.Paths(), 2)
		<-time.After(10 * time.Second)
		require.NoError(t, a.SetPrimary(ip("10.0.0.2")))
		require.NoError(t, a.Send(t.Context(), text("over IPv4")))
		m, err := b.Recv(within(t, time.Minute))
		require.NoError(t, err)
		require.True(t, m.Remote.Addr().Is4())
		require.NoError(t, a.Close())
	})
}
