// SPDX-License-Identifier: Apache-2.0

package sctp

import "github.com/rserpool/rserpool/udpencap"

// enableECN tells whether all sockets read and write ECN bits. RFC 6951, Section 5.8:
// "If the implementation supports the sending and receiving of the ECN bits for the IP
// protocols being used by an SCTP association, the ECN bits MUST NOT be changed during
// sending and receiving."
func (s *Stack) enableECN() bool {
	for _, sock := range *s.sockets.Load() {
		e, ok := sock.(udpencap.ECNSocket)
		if !ok || e.EnableECN() != nil {
			s.log.Warn("ECN is not announced: a socket cannot do it", "local", sock.LocalAddr())
			return false
		}
	}
	return true
}
