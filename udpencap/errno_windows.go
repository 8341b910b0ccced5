// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// portableErrno gives a Winsock error number the name the other systems have
// for it, so that errors.Is(err, syscall.EADDRINUSE) is true here as well.
func portableErrno(errno syscall.Errno) syscall.Errno {
	switch errno {
	case windows.WSAEADDRINUSE:
		return syscall.EADDRINUSE
	case windows.WSAEADDRNOTAVAIL:
		return syscall.EADDRNOTAVAIL
	case windows.WSAEMSGSIZE, windows.ERROR_MORE_DATA:
		return syscall.EMSGSIZE
	case windows.WSAEWOULDBLOCK:
		return syscall.EAGAIN
	case windows.WSAENOBUFS:
		return syscall.ENOBUFS
	case windows.WSAEINTR:
		return syscall.EINTR
	case windows.WSAECONNREFUSED, windows.ERROR_PORT_UNREACHABLE:
		return syscall.ECONNREFUSED
	case windows.WSAECONNRESET, windows.ERROR_NETNAME_DELETED:
		return syscall.ECONNRESET
	case windows.WSAENETUNREACH:
		return syscall.ENETUNREACH
	case windows.WSAEHOSTUNREACH, windows.ERROR_HOST_UNREACHABLE:
		return syscall.EHOSTUNREACH
	case windows.WSAENETDOWN:
		return syscall.ENETDOWN
	case windows.WSAENETRESET:
		return syscall.ENETRESET
	case windows.WSAEACCES:
		return syscall.EACCES
	case windows.WSAEINVAL:
		return syscall.EINVAL
	case windows.WSAENOPROTOOPT:
		return syscall.ENOPROTOOPT
	}
	return errno
}

// bindErrno is portableErrno for bind, where WSAEACCES says that another
// socket has claimed the port for itself alone (SO_EXCLUSIVEADDRUSE), or that
// the system has reserved it, as that for virtual machines does.
func bindErrno(errno syscall.Errno) syscall.Errno {
	if errno = portableErrno(errno); errno == syscall.EACCES {
		return syscall.EADDRINUSE
	}
	return errno
}
