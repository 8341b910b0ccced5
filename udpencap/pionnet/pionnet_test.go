// SPDX-License-Identifier: Apache-2.0

package pionnet_test

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/transport/v5/vnet"
	"github.com/rserpool/rserpool/udpencap"
	"github.com/rserpool/rserpool/udpencap/pionnet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newLAN starts a virtual network with a host at each address.
func newLAN(t *testing.T, cidr string, addrs ...string) []transport.Net {
	r, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: cidr, LoggerFactory: logging.NewDefaultLoggerFactory()})
	require.NoError(t, err)
	var hosts []transport.Net
	for _, a := range addrs {
		h, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{a}})
		require.NoError(t, err)
		require.NoError(t, r.AddNet(h))
		hosts = append(hosts, h)
	}
	require.NoError(t, r.Start())
	t.Cleanup(func() { require.NoError(t, r.Stop()) })
	return hosts
}

func listen(t *testing.T, n udpencap.Network, addr string) udpencap.Socket {
	s, err := n.Listen(t.Context(), netip.MustParseAddrPort(addr))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// exchange sends a run of three datagrams there and one back.
func exchange(t *testing.T, x, y udpencap.Socket) {
	n, err := x.WriteBatch([]udpencap.Datagram{{Data: []byte("abcabca"), SegmentSize: 3, Dst: y.LocalAddr()}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	in := []udpencap.Datagram{{Data: make([]byte, 100)}}
	for _, want := range []string{"abc", "abc", "a"} {
		n, err := y.ReadBatch(in)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, want, string(in[0].Data))
		require.Equal(t, x.LocalAddr(), in[0].Src)
		require.Zero(t, in[0].SegmentSize)
	}
	_, err = y.WriteBatch([]udpencap.Datagram{{Data: []byte("back"), Dst: in[0].Src}})
	require.NoError(t, err)
	_, err = x.ReadBatch(in)
	require.NoError(t, err)
	require.Equal(t, "back", string(in[0].Data))
	require.Equal(t, y.LocalAddr(), in[0].Src)
}

func TestTwoHosts(t *testing.T) {
	for _, lan := range [][3]string{
		{"10.0.0.0/24", "10.0.0.1", "10.0.0.2"},
		{"fd00::/64", "fd00::1", "fd00::2"},
	} {
		hosts := newLAN(t, lan[0], lan[1:]...)
		x := listen(t, pionnet.New(hosts[0]), netip.AddrPortFrom(netip.MustParseAddr(lan[1]), 9899).String())
		y := listen(t, pionnet.New(hosts[1]), netip.AddrPortFrom(netip.MustParseAddr(lan[2]), 0).String())
		require.Equal(t, uint16(9899), x.LocalAddr().Port())
		require.NotZero(t, y.LocalAddr().Port())
		exchange(t, x, y)
	}
}

// A host on two virtual networks has a socket on each, on the same port, and
// its datagrams take the path of the socket they are sent from.
func TestTwoPaths(t *testing.T) {
	one := newLAN(t, "10.0.0.0/24", "10.0.0.1", "10.0.0.2")
	two := newLAN(t, "10.1.0.0/24", "10.1.0.1", "10.1.0.2")
	x, y := pionnet.New(one[0], two[0]), pionnet.New(one[1], two[1])

	addrs, err := x.Addrs()
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{
		netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.1.0.1"),
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"),
	}, addrs)

	exchange(t, listen(t, x, "10.0.0.1:9899"), listen(t, y, "10.0.0.2:9899"))
	exchange(t, listen(t, x, "10.1.0.1:9899"), listen(t, y, "10.1.0.2:9899"))

	_, err = x.Listen(t.Context(), netip.MustParseAddrPort("10.2.0.1:9899"))
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	require.ErrorContains(t, err, "pionnet: listen 10.2.0.1:9899: not an address of this host")
}

func TestOnStandardNet(t *testing.T) {
	n, err := stdnet.NewNet()
	require.NoError(t, err)
	x, y := listen(t, pionnet.New(n), "127.0.0.1:0"), listen(t, pionnet.New(n), "127.0.0.1:0")
	exchange(t, x, y)
	_, err = x.WriteBatch([]udpencap.Datagram{{Data: make([]byte, udpencap.MaxBatchBytes+1), Dst: y.LocalAddr()}})
	mtuErr, ok := errors.AsType[*udpencap.MTUError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, y.LocalAddr(), mtuErr.Dst)
	_, err = pionnet.New(n).Listen(t.Context(), x.LocalAddr())
	require.True(t, udpencap.IsAddrInUse(err), "%v", err)
}

func TestListenRefuses(t *testing.T) {
	n := pionnet.New(newLAN(t, "10.0.0.0/24", "10.0.0.1")[0])
	for _, addr := range []string{"0.0.0.0:9899", "[::]:9899", "239.0.0.50:3863"} {
		_, err := n.Listen(t.Context(), netip.MustParseAddrPort(addr))
		require.ErrorContains(t, err, "pionnet: listen "+addr+": not a unicast address of the host")
	}
	_, err := n.Listen(t.Context(), netip.MustParseAddrPort("10.9.9.9:9899"))
	require.ErrorContains(t, err, "can't assign requested address")
	x := listen(t, n, "10.0.0.1:9899")
	_, err = n.Listen(t.Context(), x.LocalAddr())
	require.True(t, udpencap.IsAddrInUse(err))
	require.EqualError(t, err, "pionnet: listen 10.0.0.1:9899: address already in use")
}

func TestNoMulticast(t *testing.T) {
	n := pionnet.New(newLAN(t, "10.0.0.0/24", "10.0.0.1")[0])
	group := netip.MustParseAddrPort("239.0.0.50:3863")
	_, err := n.ListenMulticast(t.Context(), group, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorContains(t, err, "pionnet: listen to group 239.0.0.50:3863: a transport.Net has no multicast")
	x := listen(t, n, "10.0.0.1:9899")
	require.ErrorIs(t, x.SetMulticast(netip.MustParseAddr("10.0.0.1"), 1), errors.ErrUnsupported)
	sent, err := x.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: group}})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Zero(t, sent)
	_, err = x.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: netip.MustParseAddrPort("[fd00::1]:9899")}})
	require.ErrorContains(t, err, "pionnet: send from 10.0.0.1:9899 to [fd00::1]:9899: source and destination are of different IP versions")
}

func TestCloseEndsReading(t *testing.T) {
	std, err := stdnet.NewNet()
	require.NoError(t, err)
	for addr, tn := range map[string]transport.Net{
		"10.0.0.1:0":  newLAN(t, "10.0.0.0/24", "10.0.0.1")[0],
		"127.0.0.1:0": std,
	} {
		x := listen(t, pionnet.New(tn), addr)
		var wg sync.WaitGroup
		started := make(chan struct{})
		wg.Go(func() {
			close(started)
			_, err := x.ReadBatch([]udpencap.Datagram{{Data: make([]byte, 100)}})
			assert.Equal(t, net.ErrClosed, err)
		})
		<-started
		require.NoError(t, x.Close())
		wg.Wait()
		_, err := x.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: x.LocalAddr()}})
		require.Equal(t, net.ErrClosed, err)
		require.Equal(t, net.ErrClosed, x.Close())
	}
}
