// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// tcpLink is TCP on the virtual network: the listener of a registrar, and the way to it.
type tcpLink struct {
	addr  netip.AddrPort
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
	// written, if set, changes what the registrar writes.
	written func(b []byte) []byte
}

func newTCPLink(addr netip.AddrPort) *tcpLink {
	return &tcpLink{addr: addr, conns: make(chan net.Conn), ended: make(chan struct{})}
}

// dial is conformance.Target's TCP.
func (l *tcpLink) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: net.ErrClosed}
	if to != l.addr {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case l.conns <- &tcpConn{server, l}:
		return client, nil
	case <-l.ended:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *tcpLink) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *tcpLink) Close() error {
	l.once.Do(func() { close(l.ended) })
	return nil
}

// Addr implements net.Listener.
func (l *tcpLink) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// tcpConn is the registrar's side of a connection.
type tcpConn struct {
	net.Conn
	link *tcpLink
}

// Write implements net.Conn.
func (c *tcpConn) Write(b []byte) (int, error) {
	out := b
	if c.link.written != nil {
		out = c.link.written(b)
	}
	if len(out) > 0 {
		if _, err := c.Conn.Write(out); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}
