// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd

package udpencap

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unixLayout is that of the system this is compiled for.
func unixLayout() cmsgLayout {
	return cmsgLayout{
		lenSize: int(unsafe.Sizeof(unix.Cmsghdr{}.Len)),
		dataAt:  unix.CmsgLen(0),
		align:   unix.CmsgSpace(1) - unix.CmsgSpace(0),
	}
}

// hostECN asks for the ECN bits of what a socket receives, and returns how they
// are told of. RFC 3542, Section 6.5: IPV6_TCLASS is an int in both directions;
// that of IPv4 differs by system.
func hostECN(raw syscall.RawConn, v6 bool) (*ecnControl, error) {
	c := &ecnControl{level: unix.IPPROTO_IP, option: unix.IP_RECVTOS, recv: tosReceived, send: unix.IP_TOS, size: tosBytes}
	if v6 {
		c = &ecnControl{level: unix.IPPROTO_IPV6, option: unix.IPV6_RECVTCLASS, recv: unix.IPV6_TCLASS, send: unix.IPV6_TCLASS, size: 4}
	}
	c.layout = unixLayout()
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), c.level, c.option, 1) }); cerr != nil {
		return nil, cerr
	}
	return c, os.NewSyscallError("setsockopt", err)
}
