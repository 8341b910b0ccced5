// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInterfaceMTU(t *testing.T) {
	teller, ok := Host().(MTUTeller)
	require.True(t, ok)
	mtu := teller.InterfaceMTU(netip.MustParseAddr("127.0.0.1"))
	if canDontFragment {
		require.GreaterOrEqual(t, mtu, 1500)
		require.LessOrEqual(t, mtu, 65535)
	} else {
		require.Zero(t, mtu)
	}
	require.Zero(t, teller.InterfaceMTU(netip.MustParseAddr("192.0.2.1")))
}
