// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package udpencap

import (
	"context"
	"net"
	"net/netip"
)

// bindGroup opens a socket for the group's port. Package net binds it to the
// wildcard and shares the port (SO_REUSEADDR, with SO_REUSEPORT on the BSDs)
// because the address is a multicast one.
func bindGroup(ctx context.Context, group netip.AddrPort) (*net.UDPConn, error) {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, network(group.Addr()), group.String())
	if err != nil {
		return nil, err
	}
	return pc.(*net.UDPConn), nil
}
