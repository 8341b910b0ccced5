// SPDX-License-Identifier: Apache-2.0

//go:build linux && !udpencap_portable

package udpencap

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxQuoted is how much of a datagram is looked at: an INIT chunk's Initiate
	// Tag is within 20 bytes.
	maxQuoted = 64
	// maxDrain bounds how many messages are read at once.
	maxDrain = 64

	// Types and codes of RFC 792 and RFC 4443.
	icmpDestUnreachable, icmpCodePort, icmpCodeFragNeeded = 3, 3, 4
	icmp6DestUnreachable, icmp6TooBig, icmp6CodePort      = 1, 2, 4
)

// An icmpReader reads the error queue of a socket (IP_RECVERR in ip(7)).
type icmpReader struct {
	mu sync.Mutex
	f  func(ICMPError)
}

// OnICMP implements ICMPTeller.
func (s *hostSocket) OnICMP(f func(ICMPError)) error {
	level, opt := unix.IPPROTO_IP, unix.IP_RECVERR
	if s.laddr.Addr().Is6() {
		level, opt = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	s.icmp.mu.Lock()
	s.icmp.f = f
	s.icmp.mu.Unlock()
	var err error
	if cerr := s.raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, opt, 1) }); cerr != nil {
		return cerr
	}
	return err
}

// leftBehind tells whether a system call may have failed with an error that an
// ICMP message about an earlier datagram has left behind, which the failure takes
// away.
func leftBehind(errno syscall.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.EMSGSIZE,
		unix.EPROTO, unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EACCES, unix.ENONET:
		return true
	}
	return false
}

// drain tells of the messages in the error queue.
func (r *icmpReader) drain(fd int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f == nil {
		return
	}
	var data [maxQuoted]byte
	var oob [256]byte
	for range maxDrain {
		n, oobn, _, from, err := unix.Recvmsg(fd, data[:], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return
		}
		if e, ok := parseICMP(oob[:oobn]); ok {
			switch sa := from.(type) {
			case *unix.SockaddrInet4:
				e.Dst = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
			case *unix.SockaddrInet6:
				e.Dst = unmap(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)))
			default:
				continue
			}
			e.Data = bytes.Clone(data[:n])
			r.f(e)
		}
	}
}

// parseICMP reads a struct sock_extended_err.
func parseICMP(oob []byte) (e ICMPError, ok bool) {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return e, false
		}
		oob = rest
		isErr := h.Level == unix.IPPROTO_IP && h.Type == unix.IP_RECVERR ||
			h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_RECVERR
		if !isErr || len(data) < 16 {
			continue
		}
		origin, typ, code := data[4], data[5], data[6]
		info := int(binary.NativeEndian.Uint32(data[8:]))
		switch {
		case origin == unix.SO_EE_ORIGIN_ICMP && typ == icmpDestUnreachable:
			switch code {
			case icmpCodePort:
				e.Kind = ICMPPortUnreachable
			case icmpCodeFragNeeded:
				e.Kind, e.MTU = ICMPTooBig, info
			}
			return e, true
		case origin == unix.SO_EE_ORIGIN_ICMP6 && typ == icmp6TooBig:
			e.Kind, e.MTU = ICMPTooBig, info
			return e, true
		case origin == unix.SO_EE_ORIGIN_ICMP6 && typ == icmp6DestUnreachable:
			if code == icmp6CodePort {
				e.Kind = ICMPPortUnreachable
			}
			return e, true
		}
	}
	return e, false
}
