// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
)

// defaultBuffer is the socket buffer asked for in each direction: 25 ms of a
// saturated 1 Gbit/s link, with room for the kernel's bookkeeping. A reader
// which is late by a scheduling slice must not cost packets.
const defaultBuffer = 4 << 20

// Host is the network of the operating system with the default settings.
func Host() Network { return HostConfig{}.Network() }

// HostConfig chooses how the sockets of the operating system are used. The
// zero value is the default.
type HostConfig struct {
	// ReadBuffer and WriteBuffer are the sizes of the socket buffers to ask
	// for, in bytes; the system may grant less. If zero, 4 MiB; if negative,
	// the system's default is kept.
	ReadBuffer, WriteBuffer int

	// DisableGSO and DisableGRO do without segmentation and receive offload,
	// as the environment variables SCTP_DISABLE_GSO and SCTP_DISABLE_GRO do.
	DisableGSO, DisableGRO bool
}

// Network returns the network of the operating system with these settings.
func (c HostConfig) Network() Network {
	if c.ReadBuffer == 0 {
		c.ReadBuffer = defaultBuffer
	}
	if c.WriteBuffer == 0 {
		c.WriteBuffer = defaultBuffer
	}
	c.DisableGSO = c.DisableGSO || envSwitch("SCTP_DISABLE_GSO")
	c.DisableGRO = c.DisableGRO || envSwitch("SCTP_DISABLE_GRO")
	return hostNetwork{c}
}

// envSwitch reports whether the environment variable is set to anything that
// does not mean "no".
func envSwitch(name string) bool {
	v := os.Getenv(name)
	on, err := strconv.ParseBool(v)
	return v != "" && (on || err != nil)
}

type hostNetwork struct{ cfg HostConfig }

func (n hostNetwork) Addrs() ([]netip.Addr, error) {
	ifs, err := hostInterfaces()
	if err != nil {
		return nil, err
	}
	return unicastAddrs(ifs), nil
}

func (n hostNetwork) Listen(ctx context.Context, laddr netip.AddrPort) (Socket, error) {
	laddr = unmap(laddr)
	if err := checkUnicast(laddr.Addr()); err != nil {
		return nil, opError("listen", laddr, err)
	}
	lc := net.ListenConfig{Control: beforeBind}
	pc, err := lc.ListenPacket(ctx, network(laddr.Addr()), laddr.String())
	if errors.Is(reason(err), syscall.EADDRNOTAVAIL) {
		return nil, opError("listen", laddr, fmt.Errorf("not an address of this host: %w", reason(err)))
	}
	if err != nil {
		return nil, bindError("listen", laddr, err)
	}
	conn := pc.(*net.UDPConn)
	s, err := newHostSocket(conn, unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort()), n.cfg)
	if err != nil {
		conn.Close()
		return nil, opError("listen", laddr, err)
	}
	return s, nil
}

// checkUnicast says why an address cannot be the one of a unicast socket, or
// nil.
func checkUnicast(a netip.Addr) error {
	switch {
	case !a.IsValid():
		return errors.New("no address given")
	case a.IsUnspecified():
		return errors.New("the wildcard is not a unicast address of the host")
	case a.IsMulticast():
		return errors.New("a multicast group is not a unicast address of the host")
	case a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "":
		return fmt.Errorf("the link-local address %v needs a zone", a)
	}
	return nil
}

// network is the name package net has for UDP over the IP version of a. With
// "udp6" it makes the socket IPv6-only.
func network(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

// unmap replaces an IPv4-mapped IPv6 address by the IPv4 address.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
