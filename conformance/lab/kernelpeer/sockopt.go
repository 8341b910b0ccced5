// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Numbers of include/uapi/linux/sctp.h.
const (
	solSCTP = 132

	optInitMsg            = 2
	optNoDelay            = 3
	optSetPeerPrimaryAddr = 5
	optPrimaryAddr        = 6
	optEvents             = 11
	optStatus             = 14
	optFragmentInterleave = 18
	optRecvRcvInfo        = 32
	optBindxAdd           = 100
	optBindxRem           = 101
	optConnectx           = 110
	optEnableStreamReset  = 118
	optResetStreams       = 119
	optResetAssoc         = 120
	optAddStreams         = 121
	optStreamScheduler    = 123
	optInterleaving       = 125
	optRemoteUDPEncapPort = 132

	schedulerRoundRobin = 2 // SCTP_SS_RR

	sizeofStorage = 128 // struct sockaddr_storage
)

// sockaddr returns addr as struct sockaddr_in or sockaddr_in6.
func sockaddr(addr netip.AddrPort) []byte {
	b := make([]byte, 2, 28)
	b = binary.BigEndian.AppendUint16(b, addr.Port())
	if addr.Addr().Is4() {
		binary.NativeEndian.PutUint16(b, unix.AF_INET)
		a := addr.Addr().As4()
		return append(append(b, a[:]...), make([]byte, 8)...)
	}
	binary.NativeEndian.PutUint16(b, unix.AF_INET6)
	a := addr.Addr().As16()
	return append(append(append(b, 0, 0, 0, 0), a[:]...), 0, 0, 0, 0)
}

// storage pads a sockaddr to a struct sockaddr_storage.
func storage(addr netip.AddrPort) []byte {
	return append(sockaddr(addr), make([]byte, sizeofStorage)...)[:sizeofStorage]
}

// parseSockaddr reads the address out of a struct sockaddr_storage.
func parseSockaddr(b []byte) netip.AddrPort {
	if len(b) < 28 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(b[2:])
	if binary.NativeEndian.Uint16(b) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), port)
}

// packed lays addresses behind each other, as bindx and connectx take them.
func packed(ips []netip.Addr, port uint16) []byte {
	var b []byte
	for _, ip := range ips {
		b = append(b, sockaddr(netip.AddrPortFrom(ip, port))...)
	}
	return b
}

// setsockopt returns the kernel's non-negative answer too: CONNECTX's is the association.
func setsockopt(fd, opt int, value []byte) (int, error) {
	r, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), solSCTP, uintptr(opt),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(len(value)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

func getsockopt(fd, opt int, value []byte) error {
	size := uint32(len(value))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), solSCTP, uintptr(opt),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func u16(v int) []byte { return binary.NativeEndian.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// newSocket makes a one-to-one style socket bound to the local addresses, and sets its options.
func newSocket(cfg *config) (int, error) {
	family := unix.AF_INET
	for _, ip := range append(cfg.local, cfg.remote...) {
		if ip.Is6() {
			family = unix.AF_INET6
		}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP)
	if err != nil {
		return -1, fmt.Errorf("SCTP socket: %w", err)
	}
	events := []byte{0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0} // struct sctp_event_subscribe, without data and send failure
	// (send failures would be one notification per message queued when an association ends)
	set := []struct {
		name  string
		opt   int
		value []byte
	}{
		{"SCTP_EVENTS", optEvents, events},
		{"SCTP_RECVRCVINFO", optRecvRcvInfo, u32(1)},
		{"SCTP_NODELAY", optNoDelay, u32(1)},
		{"SCTP_INITMSG", optInitMsg, join(u16(cfg.streams), u16(65535), u16(0), u16(0))},
		{"SCTP_ENABLE_STREAM_RESET", optEnableStreamReset, join(u32(0), u32(7))},
	}
	if cfg.interleave {
		// RFC 8260, Section 4.3.1: "Setting the interleaving level to at least 2 before
		// enabling the negotiation of user message interleaving should work on all
		// platforms."
		set = append(set, []struct {
			name  string
			opt   int
			value []byte
		}{
			{"SCTP_FRAGMENT_INTERLEAVE", optFragmentInterleave, u32(2)},
			{"SCTP_INTERLEAVING_SUPPORTED", optInterleaving, join(u32(0), u32(1))},
			{"SCTP_STREAM_SCHEDULER", optStreamScheduler, join(u32(0), u32(schedulerRoundRobin))},
		}...)
	}
	for _, s := range set {
		if _, err := setsockopt(fd, s.opt, s.value); err != nil {
			return -1, fmt.Errorf("setting %s: %w", s.name, err)
		}
	}
	if cfg.encap != 0 {
		// struct sctp_udpencaps with no address: the default of the socket's associations.
		v := join(u32(0), u32(0), make([]byte, sizeofStorage), binary.BigEndian.AppendUint16(nil, uint16(cfg.encap)), make([]byte, 6))
		if _, err := setsockopt(fd, optRemoteUDPEncapPort, v); err != nil {
			return -1, fmt.Errorf("setting SCTP_REMOTE_UDP_ENCAPS_PORT: %w", err)
		}
	}
	for opt, size := range map[int]int{unix.SO_SNDBUF: cfg.sndbuf, unix.SO_RCVBUF: cfg.rcvbuf} {
		if size > 0 {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, opt, size); err != nil {
				return -1, fmt.Errorf("setting the buffer size: %w", err)
			}
		}
	}
	return fd, bindAll(fd, cfg)
}

func bindAll(fd int, cfg *config) error {
	if len(cfg.local) == 0 && cfg.lport == 0 {
		return nil
	}
	port := uint16(cfg.lport)
	for i, ip := range cfg.local {
		if i == 1 && port == 0 {
			var err error
			if port, err = localPort(fd); err != nil {
				return fmt.Errorf("getsockname: %w", err)
			}
		}
		if _, err := setsockopt(fd, optBindxAdd, packed([]netip.Addr{ip}, port)); err != nil {
			return fmt.Errorf("binding %s port %d: %w", ip, port, err)
		}
	}
	if len(cfg.local) == 0 {
		any := netip.IPv4Unspecified()
		if len(cfg.remote) > 0 && cfg.remote[0].Is6() {
			any = netip.IPv6Unspecified()
		}
		if _, err := setsockopt(fd, optBindxAdd, packed([]netip.Addr{any}, port)); err != nil {
			return fmt.Errorf("binding port %d: %w", port, err)
		}
	}
	return nil
}
