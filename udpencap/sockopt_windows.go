// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// Options of ws2ipdef.h and winsock2.h which x/sys does not name.
const (
	ipDontFragment   = 14 // IP_DONTFRAGMENT
	ipv6DontFrag     = 14 // IPV6_DONTFRAG
	exclusiveAddrUse = -5 // SO_EXCLUSIVEADDRUSE, which is ^SO_REUSEADDR
)

// beforeBind claims the port for this socket alone. Else another program could
// take it over with SO_REUSEADDR.
func beforeBind(_, _ string, raw syscall.RawConn) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) {
		err = windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, exclusiveAddrUse, 1)
	}); cerr != nil {
		return cerr
	}
	return os.NewSyscallError("setsockopt", err)
}

// setBuffers asks for socket buffers. What is not granted is not an error.
func setBuffers(fd uintptr, read, write int) {
	set := func(opt, n int) {
		if n > 0 {
			_ = windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, opt, n)
		}
	}
	set(windows.SO_RCVBUF, read)
	set(windows.SO_SNDBUF, write)
}

// canDontFragment: there is an option for DF.
const canDontFragment = true

// dontFragment sets or clears DF. Where a version of Windows has no such option,
// datagrams may be fragmented and a path MTU search will believe too much,
// which the retransmissions of SCTP survive.
func dontFragment(fd uintptr, v6, on bool) error {
	level, opt := windows.IPPROTO_IP, ipDontFragment
	if v6 {
		level, opt = windows.IPPROTO_IPV6, ipv6DontFrag
	}
	df := 0
	if on {
		df = 1
	}
	err := windows.SetsockoptInt(windows.Handle(fd), level, opt, df)
	if err == windows.WSAENOPROTOOPT || err == windows.WSAEINVAL {
		return nil
	}
	return err
}

func enableOffloads(uintptr, HostConfig) offloads { return offloads{} }

// pathMTU is not known here.
func pathMTU(netip.Addr, netip.AddrPort) int { return 0 }
