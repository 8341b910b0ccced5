// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// Error says which destination, and its MTU where known.
func (e *MTUError) Error() string {
	if e.MTU == 0 {
		return fmt.Sprintf("udpencap: datagram to %v is larger than the path MTU", e.Dst)
	}
	return fmt.Sprintf("udpencap: datagram to %v is larger than the path MTU of %d bytes", e.Dst, e.MTU)
}

// Unwrap returns syscall.EMSGSIZE.
func (e *MTUError) Unwrap() error { return syscall.EMSGSIZE }

// IsAddrInUse reports whether err says that another socket already has the
// address and port, on every operating system.
func IsAddrInUse(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && portableErrno(errno) == syscall.EADDRINUSE
}

// opError says what was tried, where, and why it failed.
func opError(op string, where any, err error) error {
	return fmt.Errorf("udpencap: %s %v: %w", op, where, reason(err))
}

// Reason strips what package net and package os have put around an error
// number of the system, and gives it the name that it has on other systems,
// such as syscall.EMSGSIZE.
func Reason(err error) error { return reason(err) }

// bindError is opError for a port that was not to be had.
func bindError(op string, where any, err error) error {
	if errno, ok := reason(err).(syscall.Errno); ok {
		err = bindErrno(errno)
	}
	return opError(op, where, err)
}

// reason strips the layers package net and package os put around the system's
// error number, which repeat the addresses, and gives it its portable name.
func reason(err error) error {
	for {
		switch e := err.(type) {
		case *net.OpError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		case syscall.Errno:
			return portableErrno(e)
		default:
			return err
		}
	}
}

// sendError is what WriteBatch returns for a datagram the host refused for
// reason err.
func sendError(src, dst netip.AddrPort, err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok && portableErrno(errno) == syscall.EMSGSIZE {
		return &MTUError{Dst: dst, MTU: pathMTU(src.Addr(), dst)}
	}
	return opError("send", fmt.Sprintf("from %v to %v", src, dst), err)
}

// errFamily is the reason for refusing to send IPv6 from an IPv4 socket or the
// other way round.
var errFamily = errors.New("source and destination are of different IP versions")

// sameFamily reports whether a socket bound to src can send to dst.
func sameFamily(src, dst netip.Addr) bool {
	return dst.IsValid() && src.Is4() == dst.Unmap().Is4()
}

// A sendVerdict says what became of a datagram the system did not take.
type sendVerdict int

const (
	sendFailed sendVerdict = iota // tell the caller
	sendLost                      // as good as lost in the network: say nothing
	sendAgain                     // the error was another datagram's: once more
)

// judgeSend sorts the errors of sending.
//
// RFC 6951, Section 5.5: "the SCTP stack MUST NOT rely on receiving ICMP or
// ICMPv6 messages". What a refused connection says about one peer must not
// fail a datagram to another one.
func judgeSend(errno syscall.Errno) sendVerdict {
	switch portableErrno(errno) {
	case syscall.EAGAIN, syscall.ENOBUFS, syscall.ENOMEM:
		return sendLost
	case syscall.EINTR, syscall.ECONNREFUSED, syscall.ECONNRESET:
		return sendAgain
	}
	return sendFailed
}

// maxSendTries bounds how often a datagram is sent again because of an error
// left behind by another one: there can be as many as datagrams in flight, but
// one is what is seen.
const maxSendTries = 3

// refusesControl reports whether errno may say that the system does not know the
// control message that went with a datagram.
func refusesControl(errno syscall.Errno) bool {
	switch portableErrno(errno) {
	case syscall.EINVAL, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP:
		return true
	}
	return false
}

// transientRead reports whether reading may go on after errno: it is an ICMP
// message about something sent earlier, or a passing shortage.
func transientRead(errno syscall.Errno) bool {
	switch portableErrno(errno) {
	case syscall.EINTR, syscall.EAGAIN, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
		syscall.ENETRESET, syscall.EPROTO, syscall.ENOPROTOOPT,
		syscall.EOPNOTSUPP, syscall.EACCES,
		syscall.EMSGSIZE, syscall.EHOSTDOWN, syscall.ETIMEDOUT:
		return true
	}
	return false
}
