// SPDX-License-Identifier: Apache-2.0

//go:build linux && !udpencap_portable

package udpencap

// EnableECN implements ECNSocket.
func (s *hostSocket) EnableECN() error {
	if _, err := hostECN(s.raw, s.laddr.Addr().Is6()); err != nil {
		return opError("enable ECN on", s.laddr, err)
	}
	s.rx.ecn, s.tx.ecn = true, true
	return nil
}
