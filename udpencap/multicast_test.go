// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMulticastOnLoopback(t *testing.T) {
	lo := netip.MustParseAddr("127.0.0.1")
	group := netip.MustParseAddrPort("239.0.0.50:0")
	first, err := Host().ListenMulticast(t.Context(), group, []netip.Addr{lo})
	require.NoError(t, err)
	defer first.Close()
	require.Equal(t, group.Addr(), first.LocalAddr().Addr())
	require.NotZero(t, first.LocalAddr().Port())
	second, err := Host().ListenMulticast(t.Context(), first.LocalAddr(), []netip.Addr{netip.MustParseAddr("127.0.0.2")})
	require.NoError(t, err, "several sockets may listen to a group")
	defer second.Close()

	x := listen(t, Host(), lo)
	require.NoError(t, x.SetMulticast(lo, 1))
	n, err := x.WriteBatch([]Datagram{
		{Data: []byte("announce"), Dst: first.LocalAddr()},
		{Data: []byte("again"), Dst: first.LocalAddr()},
	})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for _, s := range []Socket{first, second} {
		got := receive(t, s, 2, x.LocalAddr())
		require.Equal(t, [][]byte{[]byte("announce"), []byte("again")}, got, "each once")
	}
}

func TestMulticastOnAllInterfacesOrWhyNot(t *testing.T) {
	ifs, err := hostInterfaces()
	require.NoError(t, err)
	_, none := multicastInterfaces(ifs, nil)
	s, err := Host().ListenMulticast(t.Context(), netip.MustParseAddrPort("239.0.0.50:0"), nil)
	if none != nil {
		require.ErrorContains(t, err, none.Error())
		return
	}
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestListenMulticastRefuses(t *testing.T) {
	for group, want := range map[string]string{
		"10.0.0.1:3863":   "udpencap: listen to group 10.0.0.1:3863: not a multicast address",
		"[fd00::1]:3863":  "udpencap: listen to group [fd00::1]:3863: not a multicast address",
		"239.0.0.50:3863": "udpencap: listen to group 239.0.0.50:3863: no interface has one of the addresses [198.51.100.77]",
	} {
		_, err := Host().ListenMulticast(t.Context(), netip.MustParseAddrPort(group),
			[]netip.Addr{netip.MustParseAddr("198.51.100.77")})
		require.EqualError(t, err, want)
	}
}

func TestListenMulticastPortTaken(t *testing.T) {
	lo := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	first, err := Host().ListenMulticast(t.Context(), netip.MustParseAddrPort("239.0.0.50:0"), lo)
	require.NoError(t, err)
	require.NoError(t, first.Close())
	x := listen(t, Host(), lo[0])
	// A unicast socket does not share its port, and its address is none of the
	// group's where the group can be bound to.
	s, err := Host().ListenMulticast(t.Context(), netip.AddrPortFrom(first.LocalAddr().Addr(), x.LocalAddr().Port()), lo)
	if err != nil {
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		return
	}
	require.NoError(t, s.Close())
}

func TestSetMulticastRefuses(t *testing.T) {
	x := listen(t, Host(), netip.MustParseAddr("127.0.0.1"))
	require.EqualError(t, x.SetMulticast(netip.MustParseAddr("198.51.100.77"), 1),
		"udpencap: set multicast interface 198.51.100.77: no interface has the address 198.51.100.77")
	require.ErrorContains(t, x.SetMulticast(netip.MustParseAddr("127.0.0.1"), 256), "TTL 256 is not within 0 to 255")
}
