// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// IP_ECN, IP_RECVECN, IPV6_ECN and IPV6_RECVECN of ws2ipdef.h, which x/sys does
// not name.
const optECN = 50

// windowsLayout is that of WSACMSGHDR. The alignments are those of a pointer.
func windowsLayout() cmsgLayout {
	const word = int(unsafe.Sizeof(uintptr(0)))
	return cmsgLayout{
		lenSize: int(unsafe.Sizeof(windows.WSACMSGHDR{}.Len)),
		dataAt:  (int(unsafe.Sizeof(windows.WSACMSGHDR{})) + word - 1) &^ (word - 1),
		align:   word,
	}
}

// hostECN asks for the ECN bits of what a socket receives, as WSASetRecvIPEcn
// does, and returns how they are told of: in an int of their own. Windows knows
// this since build 20348 (Server 2022, Windows 11); before, it refuses the option.
func hostECN(raw syscall.RawConn, v6 bool) (*ecnControl, error) {
	c := &ecnControl{layout: windowsLayout(), level: windows.IPPROTO_IP, option: optECN, recv: optECN, send: optECN, size: 4}
	if v6 {
		c.level = windows.IPPROTO_IPV6
	}
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = windows.SetsockoptInt(windows.Handle(fd), c.level, c.option, 1) }); cerr != nil {
		return nil, cerr
	}
	return c, os.NewSyscallError("setsockopt", err)
}
