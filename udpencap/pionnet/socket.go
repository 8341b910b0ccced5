// SPDX-License-Identifier: Apache-2.0

package pionnet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/pion/transport/v5"
	"github.com/rserpool/rserpool/udpencap"
)

// maxReadErrors is how many errors of the system in a row ReadBatch takes for
// messages about datagrams sent earlier (ICMP) before it believes that the
// socket is broken.
const maxReadErrors = 100

// A socket is a transport.UDPConn with one local address.
type socket struct {
	conn   transport.UDPConn
	laddr  netip.AddrPort
	closed atomic.Bool // not every transport.Net returns net.ErrClosed
}

func (s *socket) LocalAddr() netip.AddrPort { return s.laddr }

func (s *socket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	if len(dgs) == 0 {
		return 0, nil
	}
	d := &dgs[0]
	for failed := 0; ; {
		buf := d.Data[:cap(d.Data)]
		n, from, err := s.conn.ReadFrom(buf)
		if s.closed.Load() || errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		if err == nil || errors.Is(err, io.ErrShortBuffer) {
			src, ok := addrPort(from)
			if !ok {
				continue
			}
			d.Data, d.Src, d.SegmentSize = buf[:n], src, 0
			return 1, nil
		}
		failed++
		if _, ok := errors.AsType[syscall.Errno](err); !ok || failed == maxReadErrors {
			return 0, fmt.Errorf("pionnet: receive on %v: %w", s.laddr, err)
		}
	}
}

func (s *socket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	for i := range dgs {
		if err := s.send(&dgs[i]); err != nil {
			return i, err
		}
	}
	return len(dgs), nil
}

func (s *socket) send(d *udpencap.Datagram) error {
	dst := unmap(d.Dst)
	fail := func(err error) error {
		return fmt.Errorf("pionnet: send from %v to %v: %w", s.laddr, dst, err)
	}
	if s.closed.Load() {
		return net.ErrClosed
	}
	if !dst.IsValid() || dst.Addr().Is4() != s.laddr.Addr().Is4() {
		return fail(errors.New("source and destination are of different IP versions"))
	}
	if dst.Addr().IsMulticast() {
		return fail(errMulticast) // vnet would drop it without a word
	}
	to := net.UDPAddrFromAddrPort(dst)
	data, segment := d.Data, d.SegmentSize
	if segment <= 0 {
		segment = max(1, len(data))
	}
	for {
		n := min(segment, len(data))
		_, err := s.conn.WriteTo(data[:n], to)
		why := udpencap.Reason(err)
		switch {
		case err == nil, errors.Is(why, syscall.EAGAIN), errors.Is(why, syscall.ENOBUFS):
			// Sent, or lost for want of room.
		case s.closed.Load(), errors.Is(err, net.ErrClosed):
			return net.ErrClosed
		case errors.Is(why, syscall.EMSGSIZE):
			return &udpencap.MTUError{Dst: dst}
		default:
			return fail(err)
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
	}
}

func (s *socket) SetMulticast(ifaddr netip.Addr, _ int) error {
	return fmt.Errorf("pionnet: set multicast interface %v: %w", ifaddr, errMulticast)
}

func (s *socket) Close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	return s.conn.Close()
}
