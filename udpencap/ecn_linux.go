// SPDX-License-Identifier: Apache-2.0

//go:build linux && !udpencap_portable

package udpencap

import "golang.org/x/sys/unix"

// EnableECN implements ECNSocket.
func (s *hostSocket) EnableECN() error {
	level, opt := unix.IPPROTO_IP, unix.IP_RECVTOS
	if s.laddr.Addr().Is6() {
		level, opt = unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS
	}
	var err error
	if cerr := s.raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, opt, 1) }); cerr != nil {
		return cerr
	}
	if err == nil {
		s.rx.ecn, s.tx.ecn = true, true
	}
	return err
}
