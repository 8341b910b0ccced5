// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// A hostSocket is a socket of the operating system, bound to one address.
// How it moves batches differs by system: see receiver and sender.
type hostSocket struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	laddr netip.AddrPort
	rx    receiver
	tx    sender
	icmp  icmpReader
}

func newHostSocket(conn *net.UDPConn, laddr netip.AddrPort, cfg HostConfig) (*hostSocket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &hostSocket{conn: conn, raw: raw, laddr: laddr}
	var opts offloads
	var optErr error
	err = raw.Control(func(fd uintptr) {
		setBuffers(fd, cfg.ReadBuffer, cfg.WriteBuffer)
		if optErr = dontFragment(fd, laddr.Addr().Is6(), true); optErr != nil {
			optErr = fmt.Errorf("set the DF bit: %w", optErr)
			return
		}
		if canOffload {
			opts = enableOffloads(fd, cfg)
		}
	})
	if err != nil {
		return nil, err
	}
	if optErr != nil {
		return nil, optErr
	}
	s.rx.init(s, opts)
	s.tx.init(s, opts)
	return s, nil
}

// offloads says what the kernel does for a socket.
type offloads struct{ gso, gro bool }

func (s *hostSocket) LocalAddr() netip.AddrPort { return s.laddr }

func (s *hostSocket) ReadBatch(dgs []Datagram) (int, error) {
	if len(dgs) == 0 {
		return 0, nil
	}
	return s.rx.read(dgs)
}

func (s *hostSocket) WriteBatch(dgs []Datagram) (int, error) {
	if len(dgs) == 0 {
		return 0, nil
	}
	return s.tx.write(dgs)
}

func (s *hostSocket) Interrupt(on bool) error {
	if on {
		return s.conn.SetReadDeadline(time.Unix(1, 0))
	}
	return s.conn.SetReadDeadline(time.Time{})
}

func (s *hostSocket) Close() error { return s.conn.Close() }
