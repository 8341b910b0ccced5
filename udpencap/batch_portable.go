// SPDX-License-Identifier: Apache-2.0

//go:build !linux || udpencap_portable

package udpencap

import (
	"errors"
	"net"
	"syscall"
)

// A receiver reads one datagram at a time, with what every system has.
type receiver struct{ sock *hostSocket }

func (r *receiver) init(s *hostSocket, _ offloads) { r.sock = s }

// canOffload: neither the receiver nor the sender here knows runs.
const canOffload = false

func (r *receiver) read(dgs []Datagram) (int, error) {
	d := &dgs[0]
	for {
		buf := d.Data[:cap(d.Data)]
		n, src, err := r.sock.conn.ReadFromUDPAddrPort(buf)
		if err == nil {
			d.Data, d.Src, d.SegmentSize = buf[:n], unmap(src), 0
			return 1, nil
		}
		if errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		if errno, ok := errors.AsType[syscall.Errno](err); !ok || !transientRead(errno) {
			return 0, opError("receive on", r.sock.laddr, err)
		}
	}
}

// A sender writes one datagram at a time, with what every system has.
type sender struct{ sock *hostSocket }

func (t *sender) init(s *hostSocket, _ offloads) { t.sock = s }

func (t *sender) write(dgs []Datagram) (int, error) {
	for i := range dgs {
		if err := t.sendDatagram(&dgs[i]); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return i, net.ErrClosed
			}
			return i, sendError(t.sock.laddr, dgs[i].Dst, err)
		}
	}
	return len(dgs), nil
}

func (t *sender) sendDatagram(d *Datagram) error {
	if !sameFamily(t.sock.laddr.Addr(), d.Dst.Addr()) {
		return errFamily
	}
	if d.MayFragment {
		t.setDF(false)
		defer t.setDF(true)
	}
	data, segment := d.Data, d.SegmentSize
	if segment <= 0 {
		segment = max(1, len(data))
	}
	for {
		n := min(segment, len(data))
		if err := t.sendOne(data[:n], d); err != nil {
			return err
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
	}
}

// setDF changes the DF bit of what is sent; a writer who comes between sends
// without it, which does no harm.
func (t *sender) setDF(on bool) {
	_ = t.sock.raw.Control(func(fd uintptr) { _ = dontFragment(fd, t.sock.laddr.Addr().Is6(), on) })
}

// maxSendTries bounds how often a datagram is sent again because of an error
// left behind by another one.
const maxSendTries = 3

func (t *sender) sendOne(data []byte, d *Datagram) error {
	for range maxSendTries {
		_, err := t.sock.conn.WriteToUDPAddrPort(data, unmap(d.Dst))
		if err == nil {
			return nil
		}
		errno, ok := errors.AsType[syscall.Errno](err)
		if !ok {
			return err
		}
		switch judgeSend(errno) {
		case sendLost:
			return nil
		case sendFailed:
			return errno
		}
	}
	return nil // lost
}
