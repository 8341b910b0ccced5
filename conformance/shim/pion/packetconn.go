// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// packetConn is a net.Conn of packets with one address, over a UDP socket that others share.
type packetConn struct {
	udp    *net.UDPConn
	remote netip.AddrPort
	in     chan []byte
	gone   func()
	once   sync.Once
	closed chan struct{}

	mu       sync.Mutex
	deadline chan struct{} // closed when reads have to end
}

func newPacketConn(udp *net.UDPConn, remote netip.AddrPort, gone func()) *packetConn {
	return &packetConn{udp: udp, remote: remote, in: make(chan []byte, 4096), gone: gone, closed: make(chan struct{}), deadline: make(chan struct{})}
}

// deliver gives a packet to the reader, if there is room.
func (c *packetConn) deliver(b []byte) {
	select {
	case c.in <- b:
	default:
	}
}

func (c *packetConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	select {
	case p := <-c.in:
		return copy(b, p), nil
	case <-c.closed:
		return 0, net.ErrClosed
	case <-deadline:
		return 0, os.ErrDeadlineExceeded
	}
}

func (c *packetConn) Write(b []byte) (int, error) { return c.udp.WriteToUDPAddrPort(b, c.remote) }

func (c *packetConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.gone()
	})
	return nil
}

func (c *packetConn) LocalAddr() net.Addr  { return c.udp.LocalAddr() }
func (c *packetConn) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(c.remote) }

// SetReadDeadline is used to end reads at once, and for nothing else.
func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.IsZero() && !t.After(time.Now()) {
		select {
		case <-c.deadline:
		default:
			close(c.deadline)
		}
	}
	return nil
}

func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }

func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }
