// SPDX-License-Identifier: Apache-2.0

//go:build !udpencap_portable

package sctp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Nobody has the UDP port: Dial says so at once, not after four minutes.
func TestDialIsRefused(t *testing.T) {
	cfg := &Config{LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1}
	gone, err := NewStack(cfg)
	require.NoError(t, err)
	addr := &Addr{IPs: gone.Addrs(), Port: 5000, EncapPort: gone.EncapPort()}
	require.NoError(t, gone.Close())
	s, err := NewStack(cfg)
	require.NoError(t, err)
	defer s.Close()
	begin := time.Now()
	_, err = s.Dial(t.Context(), addr)
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "nobody has the peer's UDP port")
	require.Less(t, time.Since(begin), time.Minute)
}
