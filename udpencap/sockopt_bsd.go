// SPDX-License-Identifier: Apache-2.0

//go:build darwin || freebsd

package udpencap

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// beforeBind sets what must be set before a unicast socket is bound: nothing.
func beforeBind(string, string, syscall.RawConn) error { return nil }

// setBuffers asks for socket buffers. These systems refuse what is more than
// kern.ipc.maxsockbuf instead of granting less, so smaller ones are tried.
func setBuffers(fd uintptr, read, write int) {
	set := func(opt, n int) {
		for ; n >= 64<<10; n /= 2 {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, opt, n) == nil {
				return
			}
		}
	}
	set(unix.SO_RCVBUF, read)
	set(unix.SO_SNDBUF, write)
}

// canDontFragment: there is an option for DF.
const canDontFragment = true

// dontFragment sets or clears DF. macOS has the option for IPv4 since version 11; where
// there is none, datagrams may be fragmented and a path MTU search will believe
// too much, which the retransmissions of SCTP survive.
func dontFragment(fd uintptr, v6, on bool) error {
	level, opt := unix.IPPROTO_IP, unix.IP_DONTFRAG
	if v6 {
		level, opt = unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG
	}
	df := 0
	if on {
		df = 1
	}
	err := unix.SetsockoptInt(int(fd), level, opt, df)
	if err == unix.ENOPROTOOPT || err == unix.EINVAL {
		return nil
	}
	return err
}

func enableOffloads(uintptr, HostConfig) offloads { return offloads{} }

// pathMTU is not known here.
func pathMTU(netip.Addr, netip.AddrPort) int { return 0 }
