// SPDX-License-Identifier: Apache-2.0

package pionnet_test

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap/pionnet"
	"github.com/stretchr/testify/require"
)

// vnet stands in for the host: an association over two of its routers carries
// messages of many packets, and both its paths are confirmed.
func TestAssociationOverVnet(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	one := newLAN(t, "10.0.0.0/24", "10.0.0.1", "10.0.0.2")
	two := newLAN(t, "10.1.0.0/24", "10.1.0.1", "10.1.0.2")
	stack := func(i int, addrs ...string) *sctp.Stack {
		cfg := &sctp.Config{Network: pionnet.New(one[i], two[i])}
		for _, a := range addrs {
			cfg.LocalAddrs = append(cfg.LocalAddrs, netip.MustParseAddr(a))
		}
		s, err := sctp.NewStack(cfg)
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	x, y := stack(0, "10.0.0.1", "10.1.0.1"), stack(1, "10.0.0.2", "10.1.0.2")
	ln, err := y.Listen(5000)
	require.NoError(t, err)
	addr, err := sctp.ParseAddr("10.0.0.2:5000")
	require.NoError(t, err)
	c, err := x.Dial(ctx, addr)
	require.NoError(t, err)
	s, err := ln.Accept(ctx)
	require.NoError(t, err)

	ev, err := c.NextEvent(ctx)
	for ; err == nil; ev, err = c.NextEvent(ctx) {
		if p, ok := ev.(sctp.EventPathChange); ok {
			require.Equal(t, "10.1.0.2", p.Remote.Addr().String())
			require.Equal(t, sctp.PathActive, p.State)
			break
		}
	}
	require.NoError(t, err)
	big := bytes.Repeat([]byte("0123456789"), 20_000)
	for _, path := range c.Paths() {
		require.NoError(t, c.SetPrimary(path.Remote.Addr()))
		require.NoError(t, c.Send(ctx, sctp.Message{Stream: 1, Data: big}))
		m, err := s.Recv(ctx)
		require.NoError(t, err)
		require.True(t, bytes.Equal(big, m.Data))
	}
	require.NoError(t, c.Shutdown(ctx))
}
