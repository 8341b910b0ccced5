// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/udpencap"
)

// A congested network marks everything that may be marked.
type congested struct{ udpencap.Network }

type congestedSocket struct{ udpencap.Socket }

func (n congested) Listen(ctx context.Context, a netip.AddrPort) (udpencap.Socket, error) {
	s, err := n.Network.Listen(ctx, a)
	return congestedSocket{s}, err
}

func (s congestedSocket) EnableECN() error { return s.Socket.(udpencap.ECNSocket).EnableECN() }

func (s congestedSocket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	n, err := s.Socket.ReadBatch(dgs)
	for i := range dgs[:n] {
		if dgs[i].ECN == udpencap.ECNECT0 {
			dgs[i].ECN = udpencap.ECNCE
		}
	}
	return n, err
}

// Marks come back as ECNE, through the host's sockets; where they or the network have no
// ECN it is not announced.
func TestECN(t *testing.T) {
	sock, err := udpencap.Host().Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	require.NoError(t, err)
	able := sock.(udpencap.ECNSocket).EnableECN() == nil // not on all versions of Windows
	require.NoError(t, sock.Close())
	for _, tt := range []struct {
		name string
		net  udpencap.Network
		want bool
	}{
		{"host", congested{udpencap.Host()}, able},
		{"a network without ECN", plainNetwork{udpencap.Host()}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &Config{Network: tt.net, LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1, ECN: true}
			x, err := NewStack(cfg)
			require.NoError(t, err)
			defer x.Close()
			y, err := NewStack(cfg)
			require.NoError(t, err)
			defer y.Close()
			ln, err := y.Listen(5000)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c, err := x.Dial(ctx, &Addr{IPs: y.Addrs(), Port: 5000, EncapPort: y.EncapPort()})
			require.NoError(t, err)
			peer, err := ln.Accept(ctx)
			require.NoError(t, err)
			for range 5 {
				require.NoError(t, c.Send(ctx, Message{Data: make([]byte, 10_000)}))
				m, err := peer.Recv(ctx)
				require.NoError(t, err)
				require.Len(t, m.Data, 10_000)
			}
			require.NoError(t, c.Shutdown(ctx))
			require.Equal(t, tt.want, c.Stats().ECNEsReceived > 0)
		})
	}
}

type plainNetwork struct{ udpencap.Network }

func (n plainNetwork) Listen(ctx context.Context, a netip.AddrPort) (udpencap.Socket, error) {
	s, err := n.Network.Listen(ctx, a)
	return struct{ udpencap.Socket }{s}, err
}
