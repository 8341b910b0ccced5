// SPDX-License-Identifier: Apache-2.0

package pionnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/pion/transport/v5"
	"github.com/rserpool/rserpool/udpencap"
)

// New returns the network of a host which is attached to n and to more. A local
// address is looked for in each of them in this order.
func New(n transport.Net, more ...transport.Net) udpencap.Network {
	return &network{append([]transport.Net{n}, more...)}
}

type network struct{ nets []transport.Net }

func (n *network) Addrs() ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, tn := range n.nets {
		as, err := addrsOf(tn)
		if err != nil {
			return nil, err
		}
		for _, a := range as {
			if !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	// Those of the world before loopback, IPv4 before IPv6.
	rank := func(a netip.Addr) int {
		r := 0
		if a.IsLoopback() {
			r += 2
		}
		if a.Is6() {
			r++
		}
		return r
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return cmp.Compare(rank(a), rank(b)) })
	return addrs, nil
}

// addrsOf lists all addresses of the interfaces of one transport.Net.
func addrsOf(tn transport.Net) ([]netip.Addr, error) {
	ifs, err := tn.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("pionnet: list interfaces: %w", err)
	}
	var addrs []netip.Addr
	for _, ifi := range ifs {
		if ifi.Flags&net.FlagUp == 0 {
			continue
		}
		list, err := ifi.Addrs()
		if err != nil {
			continue // it has none
		}
		for _, a := range list {
			if ip, ok := netip.AddrFromSlice(ipOf(a)); ok {
				addrs = append(addrs, ip.Unmap())
			}
		}
	}
	return addrs, nil
}

func ipOf(a net.Addr) net.IP {
	switch a := a.(type) {
	case *net.IPNet:
		return a.IP
	case *net.IPAddr:
		return a.IP
	}
	return nil
}

func (n *network) Listen(ctx context.Context, laddr netip.AddrPort) (udpencap.Socket, error) {
	laddr = unmap(laddr)
	fail := func(err error) (udpencap.Socket, error) {
		return nil, fmt.Errorf("pionnet: listen %v: %w", laddr, err)
	}
	a := laddr.Addr()
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		return fail(errors.New("not a unicast address of the host"))
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	tn, err := n.netOf(a)
	if err != nil {
		return fail(err)
	}
	conn, err := tn.ListenUDP(udpNetwork(a), net.UDPAddrFromAddrPort(laddr))
	if err != nil {
		return fail(asAddrInUse(err))
	}
	bound, ok := addrPort(conn.LocalAddr())
	if !ok {
		conn.Close()
		return fail(fmt.Errorf("the transport.Net bound it to %v, which is no UDP address", conn.LocalAddr()))
	}
	return &socket{conn: conn, laddr: bound}, nil
}

// netOf finds the transport.Net which has the address.
func (n *network) netOf(a netip.Addr) (transport.Net, error) {
	if len(n.nets) == 1 {
		// It will know, even if it does not list all it has, as 127.0.0.2.
		return n.nets[0], nil
	}
	for _, tn := range n.nets {
		addrs, err := addrsOf(tn)
		if err != nil {
			return nil, err
		}
		if slices.Contains(addrs, a.WithZone("")) {
			return tn, nil
		}
	}
	return nil, fmt.Errorf("not an address of this host: %w", syscall.EADDRNOTAVAIL)
}

// asAddrInUse makes vnet's error for a taken port, which is a text only,
// recognizable for udpencap.IsAddrInUse.
func asAddrInUse(err error) error {
	if !udpencap.IsAddrInUse(err) && strings.Contains(err.Error(), "address already in use") {
		return syscall.EADDRINUSE
	}
	return err
}

// errMulticast says that there is no multicast on a transport.Net.
var errMulticast = fmt.Errorf("a transport.Net has no multicast: %w", errors.ErrUnsupported)

func (n *network) ListenMulticast(_ context.Context, group netip.AddrPort, _ []netip.Addr) (udpencap.Socket, error) {
	return nil, fmt.Errorf("pionnet: listen to group %v: %w", group, errMulticast)
}

// udpNetwork is the name package net has for UDP over the IP version of a.
func udpNetwork(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// addrPort is the address of a datagram's sender, or of a socket.
func addrPort(a net.Addr) (netip.AddrPort, bool) {
	u, ok := a.(*net.UDPAddr)
	if !ok || u == nil {
		return netip.AddrPort{}, false
	}
	ap := unmap(u.AddrPort())
	return ap, ap.Addr().IsValid()
}
