// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// bindGroup opens a socket bound to the group itself, which package net does
// not offer: bound to the wildcard it would also receive unicast datagrams, and
// could not be opened where another program has the port on a unicast address.
func bindGroup(_ context.Context, group netip.AddrPort) (*net.UDPConn, error) {
	family := unix.AF_INET
	if group.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "udp "+group.String())
	defer f.Close() // FilePacketConn duplicates it

	for _, opt := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, opt, 1); err != nil {
			return nil, fmt.Errorf("share the port: %w", err)
		}
	}
	var sa unix.Sockaddr
	if group.Addr().Is4() {
		// Only what was sent to an interface this socket has joined on.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
		sa = &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}
	} else {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return nil, fmt.Errorf("set IPV6_V6ONLY: %w", err)
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0) // Linux 4.20
		sa6 := &unix.SockaddrInet6{Port: int(group.Port())}
		if !group.Addr().IsInterfaceLocalMulticast() && !group.Addr().IsLinkLocalMulticast() {
			// The others can only be bound to on one interface.
			sa6.Addr = group.Addr().As16()
		}
		sa = sa6
	}
	if err := unix.Bind(fd, sa); err != nil {
		return nil, err
	}
	pc, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return pc.(*net.UDPConn), nil
}
