// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
)

// RFC 5352, Section 2.2.1: "the IP address(es) of the PE that is registered within the Pool Element parameter MUST be a
// subset of the IP address(es) used in the SCTP association": also of those that are reached by something else.
func TestTransportOfAListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.client(w.net.Host("h", addrs("127.0.0.1", "10.0.0.2", "10.1.0.2", "fd00::2")...), nil)
		tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
		udp := func(s string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
		for _, tt := range []struct {
			at   net.Addr
			want string // or a part of the error
		}{
			{tcp("10.1.0.2:80"), "TCP 10.1.0.2:80"},
			{tcp("[::ffff:10.1.0.2]:80"), "TCP 10.1.0.2:80"},
			{udp("127.0.0.1:53"), "UDP 127.0.0.1:53"},
			{tcp("0.0.0.0:80"), "TCP 10.0.0.2:80"},
			{udp("[::]:53"), "UDP 10.0.0.2:53"},
			{udp("[fd00::2]:53"), "UDP [fd00::2]:53"},
			{tcp("10.9.9.9:80"), "not an address of the client's stack"},
			{tcp("10.0.0.2:0"), "has no port"},
			{&net.UnixAddr{Name: "x", Net: "unix"}, "not an address of TCP or UDP"},
		} {
			got, err := c.TransportOf(tt.at)
			if err != nil {
				require.ErrorContains(t, err, tt.want)
				continue
			}
			require.Equal(t, tt.want, got.String())
		}
	})
}

// RFC 5354, Section 3.12.8: all elements of a pool have transports of one type. Sessions do not harm a pool that they cannot use.
func TestPoolOverTCPHasNoPlaceForUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), nil)
		for protocol, want := range map[string]string{"tcp": "TCP", "udp": "UDP"} {
			at := param.Transport{Protocol: param.TCP, Port: 80, Addrs: addrs("10.0.0.2")}
			other := param.Transport{Protocol: param.UDP, Port: 80, Addrs: addrs("10.0.0.2")}
			if protocol == "udp" {
				at, other = other, at
			}
			_, err := c.Register(w.ctx, Registration{Handle: protocol, ID: 1, Transport: at})
			require.NoError(t, err)
			elems, err := c.Resolve(w.ctx, protocol)
			require.NoError(t, err)
			require.Equal(t, protocol, elems[0].Network())
			require.Nil(t, elems[0].Addr())
			require.Contains(t, elems[0].String(), want)
			_, err = c.Register(w.ctx, Registration{Handle: protocol, ID: 2, Transport: other})
			rejected, ok := errors.AsType[*RejectedError](err)
			require.True(t, ok, "%v", err)
			require.True(t, rejected.Causes.Has(param.CauseInconsistentTransportType))
			_, err = c.Dial(w.ctx, protocol)
			require.ErrorContains(t, err, "sessions speak SCTP", "Enhanced Mode is for SCTP")
			_, err = c.ResolveFresh(w.ctx, protocol)
			require.NoError(t, err)
			outside := at
			outside.Addrs = addrs("10.0.0.77")
			_, err = c.Register(w.ctx, Registration{Handle: protocol, ID: 3, Transport: outside})
			_, ok = errors.AsType[*RejectedError](err)
			require.True(t, ok, "the address is not one of the association: %v", err)
		}
		elems := Element{Transport: param.Transport{Protocol: param.SCTP, Port: 1, Addrs: addrs("10.0.0.2")}}
		require.Equal(t, "sctp", elems.Network())
		_, err := elems.DialContext(w.ctx)
		require.ErrorContains(t, err, "not by TCP or UDP")
		require.Empty(t, Element{Transport: param.Transport{Protocol: param.DCCP}}.Network())
	})
}
