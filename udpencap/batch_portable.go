// SPDX-License-Identifier: Apache-2.0

//go:build !linux || udpencap_portable

package udpencap

// A receiver is the portable one.
type receiver struct{ portableReceiver }

func (r *receiver) init(s *hostSocket, _ offloads) { r.conn, r.laddr = s.conn, s.laddr }

// A sender is the portable one.
type sender struct{ portableSender }

func (t *sender) init(s *hostSocket, _ offloads) {
	t.conn, t.laddr = s.conn, s.laddr
	t.setDF = func(on bool) {
		_ = s.raw.Control(func(fd uintptr) { _ = dontFragment(fd, s.laddr.Addr().Is6(), on) })
	}
}

// canOffload: neither the receiver nor the sender here knows runs.
const canOffload = false

// EnableECN implements ECNSocket.
func (s *hostSocket) EnableECN() error {
	c, err := hostECN(s.raw, s.laddr.Addr().Is6())
	if err != nil {
		return opError("enable ECN on", s.laddr, err)
	}
	s.rx.enableECN(c)
	s.tx.enableECN(c)
	return nil
}
