// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ListenMulticast succeeds if the group could be joined on one interface at
// least: a host where one of several has no IPv4 address, or has just gone,
// still hears the others. Several sockets, also of several processes, may
// listen to the same group and port; each receives every datagram.
func (n hostNetwork) ListenMulticast(ctx context.Context, group netip.AddrPort, ifaddrs []netip.Addr) (Socket, error) {
	group = unmap(group)
	fail := func(err error) (Socket, error) { return nil, opError("listen to group", group, err) }
	if !group.Addr().IsMulticast() {
		return fail(errors.New("not a multicast address"))
	}
	ifs, err := hostInterfaces()
	if err != nil {
		return fail(err)
	}
	ifs, err = multicastInterfaces(ifs, ifaddrs)
	if err != nil {
		return fail(err)
	}
	conn, err := bindGroup(ctx, group)
	if err != nil {
		return nil, bindError("listen to group", group, err)
	}
	if err := joinGroup(conn, group.Addr(), ifs); err != nil {
		conn.Close()
		return fail(err)
	}
	// Announces are few and single: receive offload would only cost.
	cfg := n.cfg
	cfg.DisableGRO = true
	port := uint16(conn.LocalAddr().(*net.UDPAddr).Port)
	s, err := newHostSocket(conn, netip.AddrPortFrom(group.Addr(), port), cfg)
	if err != nil {
		conn.Close()
		return fail(err)
	}
	return s, nil
}

// multicastInterfaces selects the interfaces to join: those which carry one of
// addrs, or all that do multicast if there are none. Linux does not mark its
// loopback interface as doing multicast although it does, so one asked for by
// address is taken at its word.
func multicastInterfaces(ifs []hostInterface, addrs []netip.Addr) ([]hostInterface, error) {
	ifs = slices.DeleteFunc(ifs, func(h hostInterface) bool {
		if len(addrs) == 0 {
			return h.Flags&net.FlagMulticast == 0
		}
		return !slices.ContainsFunc(addrs, h.carries)
	})
	switch {
	case len(ifs) > 0:
		return ifs, nil
	case len(addrs) == 0:
		return nil, errors.New("no interface is up and does multicast")
	}
	return nil, fmt.Errorf("no interface has one of the addresses %v", addrs)
}

// joinGroup joins on all of ifs. It fails with all the reasons if it could
// join on none.
func joinGroup(conn *net.UDPConn, group netip.Addr, ifs []hostInterface) error {
	join := ipv6.NewPacketConn(conn).JoinGroup
	if group.Is4() {
		join = ipv4.NewPacketConn(conn).JoinGroup
	}
	var errs []error
	for i := range ifs {
		err := join(&ifs[i].Interface, &net.UDPAddr{IP: group.AsSlice()})
		if err != nil {
			errs = append(errs, fmt.Errorf("join on interface %s: %w", ifs[i].Name, reason(err)))
		}
	}
	if len(errs) < len(ifs) {
		return nil
	}
	return errors.Join(errs...)
}

// SetMulticast also asks for a copy of what is sent, for the sockets of this
// host: a registrar and its clients may well be neighbours.
func (s *hostSocket) SetMulticast(ifaddr netip.Addr, ttl int) error {
	fail := func(err error) error { return opError("set multicast interface", ifaddr, err) }
	if ttl < 0 || ttl > 255 {
		return fail(fmt.Errorf("TTL %d is not within 0 to 255", ttl))
	}
	ifi, err := interfaceOf(ifaddr)
	if err != nil {
		return fail(err)
	}
	if s.laddr.Addr().Is4() {
		p := ipv4.NewPacketConn(s.conn)
		err = errors.Join(p.SetMulticastInterface(ifi), p.SetMulticastTTL(ttl), p.SetMulticastLoopback(true))
	} else {
		p := ipv6.NewPacketConn(s.conn)
		err = errors.Join(p.SetMulticastInterface(ifi), p.SetMulticastHopLimit(ttl), p.SetMulticastLoopback(true))
	}
	if err != nil {
		return fail(err)
	}
	return nil
}
