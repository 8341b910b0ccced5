// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// beforeBind sets what must be set before a unicast socket is bound: nothing.
func beforeBind(string, string, syscall.RawConn) error { return nil }

// setBuffers asks for socket buffers, as administrator if it can. What is not
// granted is not an error.
func setBuffers(fd uintptr, read, write int) {
	set := func(force, opt, n int) {
		if n > 0 && unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, n) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, opt, n)
		}
	}
	set(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, read)
	set(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, write)
}

// canDontFragment: there is an option for DF.
const canDontFragment = true

// dontFragment sets or clears DF and leaves path MTU discovery to SCTP: the MTU the
// kernel learned from ICMP, which may be forged, does not bound the datagrams.
//
// RFC 6951, Section 5.6: "If the implementation does not allow control of the
// Don't Fragment (DF) bit contained in the IPv4 header, then Path MTU discovery
// can't be used."
func dontFragment(fd uintptr, v6, on bool) error {
	level, opt, mode := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE
	if v6 {
		level, opt, mode = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE
	}
	if !on {
		mode = unix.IP_PMTUDISC_DONT // the same number for IPv6
	}
	return unix.SetsockoptInt(int(fd), level, opt, mode)
}

// enableOffloads turns on what the kernel knows (UDP_SEGMENT Linux 4.18,
// UDP_GRO 5.0) and the configuration does not forbid.
func enableOffloads(fd uintptr, cfg HostConfig) offloads {
	var o offloads
	if !cfg.DisableGSO {
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		o.gso = err == nil
	}
	if !cfg.DisableGRO {
		o.gro = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1) == nil
	}
	return o
}

// pathMTU asks the kernel for the MTU of the path from src to dst. Only a
// connected socket can be asked, so it costs four system calls; it is done
// where a datagram was too large. It returns 0 if it is not known.
func pathMTU(src netip.Addr, dst netip.AddrPort) int {
	dst = unmap(dst)
	family, level, opt := unix.AF_INET, unix.IPPROTO_IP, unix.IP_MTU
	var from, to unix.Sockaddr
	if dst.Addr().Is4() {
		from = &unix.SockaddrInet4{Addr: src.As4()}
		to = &unix.SockaddrInet4{Addr: dst.Addr().As4(), Port: int(dst.Port())}
	} else {
		family, level, opt = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_MTU
		from = &unix.SockaddrInet6{Addr: src.As16()}
		to = &unix.SockaddrInet6{Addr: dst.Addr().As16(), Port: int(dst.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	if unix.Bind(fd, from) != nil || unix.Connect(fd, to) != nil {
		return 0
	}
	mtu, err := unix.GetsockoptInt(fd, level, opt)
	if err != nil {
		return 0
	}
	return min(mtu, maxIPPacket)
}
