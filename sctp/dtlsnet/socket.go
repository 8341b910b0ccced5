// SPDX-License-Identifier: Apache-2.0

package dtlsnet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"github.com/pion/dtls/v3"
	"github.com/rserpool/rserpool/udpencap"
)

// A socket sends and receives SCTP packets as records. RFC 8261, Section 3:
// "the complete SCTP packet, consisting of the SCTP common header and a number
// of SCTP chunks, is handled as the payload of the application-layer protocol
// of DTLS."
type socket struct {
	conn  *dtls.Conn
	laddr netip.AddrPort

	once     sync.Once
	closed   chan struct{}
	closeErr error
}

func newSocket(conn *dtls.Conn, laddr netip.AddrPort) *socket {
	return &socket{conn: conn, laddr: laddr, closed: make(chan struct{})}
}

func (s *socket) LocalAddr() netip.AddrPort { return s.laddr }

func (s *socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// ReadBatch reads one packet. A record never holds more than 2^14 bytes (RFC
// 6347, Section 4.1), so memory of MaxBatchBytes is always enough; what does
// not fit into less is dropped by pion/dtls with an error, which passes.
func (s *socket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	d := &dgs[0]
	n, err := s.conn.Read(d.Data[:cap(d.Data)])
	switch {
	case err == nil:
		d.Data, d.Src, d.SegmentSize = d.Data[:n], peer, 0
		return 1, nil
	case s.isClosed():
		return 0, net.ErrClosed
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, dtls.ErrConnClosed):
		// The peer's close_notify or fatal alert, or the end of what is below.
		return 0, fmt.Errorf("dtlsnet: the DTLS connection has ended: %w", io.EOF)
	}
	return 0, fmt.Errorf("dtlsnet: receive: %w", err)
}

// WriteBatch writes each packet as a record.
func (s *socket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	for i := range dgs {
		d := &dgs[i]
		if d.Dst.Addr() != peerAddr {
			return i, fmt.Errorf("dtlsnet: send to %v: %w", d.Dst, syscall.EHOSTUNREACH)
		}
		data, size := d.Data, d.SegmentSize
		if size <= 0 {
			size = max(1, len(data))
		}
		for len(data) > 0 {
			n := min(size, len(data))
			if err := s.write(data[:n], d.Dst); err != nil {
				return i, err
			}
			data = data[n:]
		}
	}
	return len(dgs), nil
}

func (s *socket) write(p []byte, dst netip.AddrPort) error {
	_, err := s.conn.Write(p)
	switch {
	case err == nil:
		return nil
	case s.isClosed(), errors.Is(err, dtls.ErrConnClosed):
		return net.ErrClosed
	case errors.Is(err, syscall.EMSGSIZE):
		// What the host knows of the MTU it does not tell through DTLS.
		return &udpencap.MTUError{Dst: dst}
	case lost(err):
		return nil
	}
	return fmt.Errorf("dtlsnet: send: %w", err)
}

// lost tells whether an error of writing means no more than that the packet
// did not get out, as happens on every network.
//
// RFC 8261, Section 6.1: "The implementation MUST NOT rely on processing ICMP
// or ICMPv6 packets".
func lost(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.ENOBUFS, syscall.EAGAIN, os.ErrDeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (s *socket) SetMulticast(netip.Addr, int) error {
	return fmt.Errorf("dtlsnet: %w", errMulticast)
}

// Close closes the DTLS connection, with a close_notify to the peer. Closing
// it again does nothing.
func (s *socket) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.closeErr = s.conn.Close()
	})
	return s.closeErr
}
