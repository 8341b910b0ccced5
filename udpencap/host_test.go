// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoopbackEcho(t *testing.T) {
	for _, a := range loopbacks(t) {
		t.Run(a.String(), func(t *testing.T) {
			x, y := listen(t, Host(), a), listen(t, Host(), a)
			require.NotZero(t, x.LocalAddr().Port(), "port 0 asks for any free port")
			require.Equal(t, a, x.LocalAddr().Addr())

			n, err := x.WriteBatch([]Datagram{
				{Data: []byte("one"), Dst: y.LocalAddr()},
				{Data: []byte("two"), Dst: y.LocalAddr()},
			})
			require.NoError(t, err)
			require.Equal(t, 2, n)
			require.Equal(t, [][]byte{[]byte("one"), []byte("two")}, receive(t, y, 2, x.LocalAddr()))

			n, err = y.WriteBatch([]Datagram{{Data: []byte("three"), Dst: x.LocalAddr()}})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, [][]byte{[]byte("three")}, receive(t, x, 1, y.LocalAddr()))
		})
	}
}

func TestMappedAddressesAreIPv4(t *testing.T) {
	mapped := func(ap netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom16(ap.Addr().As16()), ap.Port())
	}
	lo := netip.MustParseAddr("127.0.0.1")
	x := listen(t, Host(), netip.AddrFrom16(lo.As16()))
	require.Equal(t, lo, x.LocalAddr().Addr())
	_, err := x.WriteBatch([]Datagram{{Data: []byte("self"), Dst: mapped(x.LocalAddr())}})
	require.NoError(t, err)
	receive(t, x, 1, x.LocalAddr())
}

// Datagram boundaries survive whatever sender and receiver can do, and what the
// other cannot.
func TestSegmentsKeepTheirBoundaries(t *testing.T) {
	cases := []struct {
		name          string
		size, segment int
	}{
		{"one shorter than a segment", 700, 1400},
		{"one of exactly a segment", 1400, 1400},
		{"two", 2800, 1400},
		{"short last", 3001, 1000},
		{"most the kernel cuts", 64 * 1000, 1000},
		{"more than the kernel cuts", 130*100 + 1, 100},
		{"more than the largest datagram", 50 * 1400, 1400},
		{"no segment size", 5000, 0},
	}
	for _, a := range loopbacks(t) {
		for _, mode := range []struct {
			name string
			tx   HostConfig
			rx   HostConfig
		}{
			{"GSO to GRO", HostConfig{}, HostConfig{}},
			{"GSO to plain", HostConfig{}, HostConfig{DisableGRO: true}},
			{"plain to GRO", HostConfig{DisableGSO: true}, HostConfig{}},
			{"plain to plain", HostConfig{DisableGSO: true}, HostConfig{DisableGRO: true}},
		} {
			x, y := listen(t, mode.tx.Network(), a), listen(t, mode.rx.Network(), a)
			for _, c := range cases {
				t.Run(a.String()+"/"+mode.name+"/"+c.name, func(t *testing.T) {
					d := Datagram{Data: pattern(c.size), SegmentSize: c.segment, Dst: y.LocalAddr()}
					n, err := x.WriteBatch([]Datagram{d})
					require.NoError(t, err)
					require.Equal(t, 1, n)
					want := segments(d)
					require.Equal(t, want, receive(t, y, len(want), x.LocalAddr()))
				})
			}
		}
	}
}

// What does not fit is cut off on most systems and dropped on Windows; the next
// datagram is not affected.
func TestShortBufferDoesNotEndReading(t *testing.T) {
	x := listen(t, Host(), loopbacks(t)[0])
	_, err := x.WriteBatch([]Datagram{
		{Data: []byte("a long one"), Dst: x.LocalAddr()},
		{Data: []byte("next"), Dst: x.LocalAddr()},
	})
	require.NoError(t, err)
	for d := (Datagram{}); string(d.Data) != "next"; {
		one := []Datagram{{Data: make([]byte, 0, 4)}}
		_, err := x.ReadBatch(one)
		require.NoError(t, err)
		d = one[0]
	}
}

func TestTooLargeIsMTUError(t *testing.T) {
	x := listen(t, Host(), netip.MustParseAddr("127.0.0.1"))
	n, err := x.WriteBatch([]Datagram{
		{Data: []byte("fits"), Dst: x.LocalAddr()},
		{Data: make([]byte, MaxBatchBytes+1), Dst: x.LocalAddr()},
		{Data: []byte("not tried"), Dst: x.LocalAddr()},
	})
	require.Equal(t, 1, n, "the index of the datagram that was not sent")
	mtuErr, ok := errors.AsType[*MTUError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, x.LocalAddr(), mtuErr.Dst)
	require.ErrorIs(t, err, syscall.EMSGSIZE)
	require.ErrorContains(t, err, "udpencap: datagram to 127.0.0.1:")
	require.Len(t, receive(t, x, 1, x.LocalAddr()), 1)
}

func TestSendToOtherFamilyFails(t *testing.T) {
	x := listen(t, Host(), netip.MustParseAddr("127.0.0.1"))
	for _, dst := range []netip.AddrPort{netip.MustParseAddrPort("[::1]:9899"), {}} {
		n, err := x.WriteBatch([]Datagram{{Data: []byte("x"), Dst: dst}})
		require.ErrorIs(t, err, errFamily)
		require.Zero(t, n)
	}
}

// RFC 6951, Section 5.5: "the SCTP stack MUST NOT rely on receiving ICMP or
// ICMPv6 messages", and a peer which is not there must not hurt the others.
func TestPortUnreachableIsNotSeen(t *testing.T) {
	for _, a := range loopbacks(t) {
		gone := listen(t, Host(), a)
		require.NoError(t, gone.Close())
		x := listen(t, Host(), a)
		for range 10 {
			_, err := x.WriteBatch([]Datagram{
				{Data: []byte("nobody"), Dst: gone.LocalAddr()},
				{Data: []byte("myself"), Dst: x.LocalAddr()},
			})
			require.NoError(t, err)
		}
		require.Len(t, receive(t, x, 10, x.LocalAddr()), 10)
	}
}

// Interrupt ends a read, and all that follow, until it is called again; nothing is lost by it.
func TestInterrupt(t *testing.T) {
	a, b := listen(t, Host(), loopbacks(t)[0]), listen(t, Host(), loopbacks(t)[0])
	for range 20 {
		ended := make(chan error, 1)
		started := make(chan struct{})
		go func() {
			close(started)
			_, err := a.ReadBatch(newBatch(1))
			ended <- err
		}()
		<-started
		require.NoError(t, a.Interrupt(true))
		require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
		_, err := b.WriteBatch([]Datagram{{Data: []byte("meanwhile"), Dst: a.LocalAddr()}})
		require.NoError(t, err)
		_, err = a.ReadBatch(newBatch(1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, a.Interrupt(false))
		dgs := newBatch(1)
		n, err := a.ReadBatch(dgs)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "meanwhile", string(dgs[0].Data))
	}
}

func TestCloseEndsReading(t *testing.T) {
	for range 20 {
		x := listen(t, Host(), loopbacks(t)[0])
		var wg sync.WaitGroup
		started := make(chan struct{})
		wg.Go(func() {
			close(started)
			_, err := x.ReadBatch(newBatch(1))
			assert.Equal(t, net.ErrClosed, err)
		})
		<-started
		require.NoError(t, x.Close())
		wg.Wait()
		_, err := x.ReadBatch(newBatch(1))
		require.Equal(t, net.ErrClosed, err)
		_, err = x.WriteBatch([]Datagram{{Data: []byte("x"), Dst: x.LocalAddr()}})
		require.Equal(t, net.ErrClosed, err)
		require.ErrorIs(t, x.SetMulticast(x.LocalAddr().Addr(), 1), net.ErrClosed)
		require.ErrorIs(t, x.Close(), net.ErrClosed)
	}
}

func TestConcurrentUse(t *testing.T) {
	x, y := listen(t, Host(), loopbacks(t)[0]), listen(t, Host(), loopbacks(t)[0])
	var readers, writers sync.WaitGroup
	readers.Go(func() {
		for batch := newBatch(4); ; {
			if _, err := y.ReadBatch(batch); err != nil {
				assert.Equal(t, net.ErrClosed, err)
				return
			}
		}
	})
	for range 4 {
		writers.Go(func() {
			for range 200 {
				_, err := x.WriteBatch([]Datagram{
					{Data: pattern(3000), SegmentSize: 1000, Dst: y.LocalAddr()},
					{Data: pattern(10), Dst: y.LocalAddr()},
				})
				assert.NoError(t, err)
			}
		})
	}
	writers.Wait()
	require.NoError(t, y.Close())
	readers.Wait()
}

func TestAddressInUse(t *testing.T) {
	for _, a := range loopbacks(t) {
		x := listen(t, Host(), a)
		_, err := Host().Listen(t.Context(), x.LocalAddr())
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		require.True(t, IsAddrInUse(err))
		require.EqualError(t, err, "udpencap: listen "+x.LocalAddr().String()+": address already in use")
	}
	require.False(t, IsAddrInUse(nil))
	require.False(t, IsAddrInUse(errors.New("address already in use")))
}

// One UDP port serves several addresses of a host, a socket each.
func TestSamePortOnTwoAddresses(t *testing.T) {
	lo := loopbacks(t)
	x := listen(t, Host(), lo[0])
	for _, a := range lo[1:] {
		y, err := Host().Listen(t.Context(), netip.AddrPortFrom(a, x.LocalAddr().Port()))
		require.NoError(t, err)
		require.NoError(t, y.Close())
	}
}

func TestListenRefuses(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:9899":       "the wildcard is not a unicast address of the host",
		"[::]:9899":          "the wildcard is not a unicast address of the host",
		"239.0.0.50:3863":    "a multicast group is not a unicast address of the host",
		"[fe80::1]:9899":     "needs a zone",
		"198.51.100.77:9899": "udpencap: listen 198.51.100.77:9899: not an address of this host: ",
	} {
		_, err := Host().Listen(t.Context(), netip.MustParseAddrPort(addr))
		require.ErrorContains(t, err, want)
	}
	_, err := Host().Listen(t.Context(), netip.AddrPort{})
	require.ErrorContains(t, err, "no address given")
}

func TestAddrsAreUnicastAndStable(t *testing.T) {
	addrs, err := Host().Addrs()
	require.NoError(t, err)
	require.Contains(t, addrs, netip.MustParseAddr("127.0.0.1"))
	for _, a := range addrs {
		require.NoError(t, checkUnicast(a))
		require.False(t, a.IsLinkLocalUnicast(), a)
		require.Empty(t, a.Zone())
	}
	again, err := Host().Addrs()
	require.NoError(t, err)
	require.Equal(t, addrs, again)
}

func TestAddrsOrder(t *testing.T) {
	var ifs []hostInterface
	for _, list := range [][]string{
		{"127.0.0.1/8", "::1/128"},
		{"fe80::1/64", "fd00::2/64", "10.0.0.9/24", "10.0.0.1/24"},
		{"10.1.0.1/24", "10.0.0.9/24", "169.254.3.4/16"},
	} {
		var h hostInterface
		for _, s := range list {
			h.prefixes = append(h.prefixes, netip.MustParsePrefix(s))
		}
		ifs = append(ifs, h)
	}
	var got []string
	for _, a := range unicastAddrs(ifs) {
		got = append(got, a.String())
	}
	require.Equal(t, []string{"10.0.0.9", "10.0.0.1", "10.1.0.1", "fd00::2", "127.0.0.1", "::1"}, got)
}

func TestEnvironmentSwitches(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "false": false, "1": true, "true": true, "yes": true} {
		t.Setenv("SCTP_DISABLE_GSO", value)
		t.Setenv("SCTP_DISABLE_GRO", value)
		cfg := Host().(hostNetwork).cfg
		require.Equal(t, want, cfg.DisableGSO, "%q", value)
		require.Equal(t, want, cfg.DisableGRO, "%q", value)
	}
}

func TestErrorClasses(t *testing.T) {
	for errno, want := range map[syscall.Errno]sendVerdict{
		syscall.EAGAIN:       sendLost,
		syscall.ENOBUFS:      sendLost,
		syscall.ECONNREFUSED: sendAgain,
		syscall.EINTR:        sendAgain,
		syscall.EMSGSIZE:     sendFailed,
		syscall.ENETUNREACH:  sendFailed,
		syscall.EINVAL:       sendFailed,
	} {
		require.Equal(t, want, judgeSend(errno), errno.Error())
	}
	for _, errno := range []syscall.Errno{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.EMSGSIZE} {
		require.True(t, transientRead(errno), errno.Error())
	}
	for _, errno := range []syscall.Errno{syscall.EBADF, syscall.EINVAL, syscall.EFAULT} {
		require.False(t, transientRead(errno), errno.Error())
	}
	dst := netip.MustParseAddrPort("10.0.0.1:9899")
	require.EqualError(t, &MTUError{Dst: dst, MTU: 1400},
		"udpencap: datagram to 10.0.0.1:9899 is larger than the path MTU of 1400 bytes")
	require.EqualError(t, &MTUError{Dst: dst}, "udpencap: datagram to 10.0.0.1:9899 is larger than the path MTU")
	require.EqualError(t, sendError(dst, dst, syscall.ENETUNREACH),
		"udpencap: send from 10.0.0.1:9899 to 10.0.0.1:9899: network is unreachable")
}

func TestReadAndWriteDoNotAllocate(t *testing.T) {
	for _, a := range loopbacks(t) {
		x, y := listen(t, Host(), a), listen(t, Host(), a)
		in, out := newBatch(4), []Datagram{
			{Data: pattern(4*1400 + 9), SegmentSize: 1400, Dst: y.LocalAddr()},
			{Data: pattern(90), Dst: y.LocalAddr()},
		}
		allocs := testing.AllocsPerRun(200, func() {
			if _, err := x.WriteBatch(out); err != nil {
				t.Fatal(err)
			}
			for want := 6; want > 0; {
				n, err := y.ReadBatch(in)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range in[:n] {
					want -= countSegments(d)
				}
			}
		})
		require.Zero(t, allocs, a)
	}
}

func TestInterfaceCarries(t *testing.T) {
	lo := hostInterface{
		Interface: net.Interface{Flags: net.FlagUp | net.FlagLoopback},
		prefixes:  []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("10.9.9.9/32")},
	}
	eth := hostInterface{
		Interface: net.Interface{Flags: net.FlagUp | net.FlagMulticast},
		prefixes:  []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fe80::1/64")},
	}
	require.True(t, lo.carries(netip.MustParseAddr("127.0.0.1")))
	require.True(t, lo.carries(netip.MustParseAddr("127.4.5.6")), "all of 127/8 is on loopback")
	require.False(t, eth.carries(netip.MustParseAddr("10.0.0.2")))
	require.True(t, eth.carries(netip.MustParseAddr("fe80::1%eth0")))

	pick := func(addrs ...string) (n int, err error) {
		var as []netip.Addr
		for _, a := range addrs {
			as = append(as, netip.MustParseAddr(a))
		}
		ifs, err := multicastInterfaces(slices.Clone([]hostInterface{lo, eth}), as)
		return len(ifs), err
	}
	n, err := pick()
	require.NoError(t, err)
	require.Equal(t, 1, n, "loopback on Linux does not call itself a multicast interface")
	n, err = pick("127.0.0.1", "10.0.0.1", "fe80::1")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = pick("10.7.7.7")
	require.EqualError(t, err, "no interface has one of the addresses [10.7.7.7]")
}
