// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/rserpool/rserpool/asap/param"
)

// TransportOf returns the transport to register an element with that listens at addr, the Addr of a net.Listener or of a
// net.PacketConn: TCP or UDP (RFC 5354, Sections 3.5 and 3.6). Such elements are for Basic Mode; the program serves them
// itself. The transport has one address, since TCP and UDP have no more: that of addr, or, if it listens at all, the first of
// the Client's stack, one that other hosts can reach before one that they cannot.
//
// RFC 5352, Section 2.2.1, wants the address to be one of the association with the registrar, so it must be one of the
// Client's stack.
func (c *Client) TransportOf(addr net.Addr) (param.Transport, error) {
	var t param.Transport
	if c.stack == nil {
		return t, fmt.Errorf("pool: transport for a registration: %w", ErrNoSCTP)
	}
	var at netip.AddrPort
	switch a := addr.(type) {
	case *net.TCPAddr:
		t.Protocol, at = param.TCP, a.AddrPort()
	case *net.UDPAddr:
		t.Protocol, at = param.UDP, a.AddrPort()
	default:
		return t, fmt.Errorf("pool: %v is not an address of TCP or UDP", addr)
	}
	if at.Port() == 0 {
		return t, fmt.Errorf("pool: %v has no port", addr)
	}
	ip, ok := c.own(at.Addr().Unmap().WithZone(""))
	if !ok {
		return t, fmt.Errorf("pool: %v is not an address of the client's stack, which registrars would reject", addr)
	}
	t.Port, t.Addrs = at.Port(), []netip.Addr{ip}
	return t, nil
}

// own returns the address of the stack that ip is, or one that it stands for.
func (c *Client) own(ip netip.Addr) (netip.Addr, bool) {
	var loopback netip.Addr
	for _, a := range c.stack.Addrs() {
		switch {
		case a == ip:
			return a, true
		case !ip.IsUnspecified() || ip == netip.IPv4Unspecified() && !a.Is4():
		case !a.IsLoopback():
			return a, true
		case !loopback.IsValid():
			loopback = a
		}
	}
	return loopback, loopback.IsValid()
}

// Network returns how the element is reached, as package net calls it: "sctp", "tcp", "udp", or "" for other transports.
func (e Element) Network() string {
	switch e.Transport.Protocol {
	case param.SCTP:
		return "sctp"
	case param.TCP:
		return "tcp"
	case param.UDP:
		return "udp"
	}
	return ""
}

// DialContext connects to an element that is reached by TCP or UDP, as net.Dialer does. For SCTP there are Client.Dial, which
// chooses an element itself, and sctp.Stack.Dial with Addr. If it fails, tell the registrar with
// Client.ReportUnreachable.
func (e Element) DialContext(ctx context.Context) (net.Conn, error) {
	network := e.Network()
	if network != "tcp" && network != "udp" {
		return nil, fmt.Errorf("pool: dial element %s: it is reached by %v, not by TCP or UDP", idString(e.ID), e.Transport.Protocol)
	}
	var d net.Dialer
	var err error
	for _, at := range e.Transport.AddrPorts() {
		var conn net.Conn
		if conn, err = d.DialContext(ctx, network, at.String()); err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("pool: dial element %s: %w", idString(e.ID), err)
}
