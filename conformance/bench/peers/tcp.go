// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net"

	"github.com/rserpool/rserpool/conformance/bench/worker"
)

// tcpPeer is the system's TCP with Go's defaults (TCP_NODELAY).
var tcpPeer = worker.Peer{
	Listen: func(c *worker.Config) (func() (worker.Conn, error), error) {
		l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(c.LocalAddr(0)))
		if err != nil {
			return nil, err
		}
		return func() (worker.Conn, error) {
			conn, err := l.AcceptTCP()
			return tcpConn{conn, c.Test == worker.PingPong}, err
		}, nil
	},
	Dial: func(c *worker.Config) (func(int) (worker.Conn, error), error) {
		return func(int) (worker.Conn, error) {
			conn, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(c.RemoteAddr(0)))
			return tcpConn{conn, c.Test == worker.PingPong}, err
		}, nil
	},
}

type tcpConn struct {
	c     *net.TCPConn
	whole bool // read whole messages
}

func (t tcpConn) Send(msg []byte) error {
	_, err := t.c.Write(msg)
	return err
}

func (t tcpConn) Recv(buf []byte) (int, error) {
	if t.whole {
		return io.ReadFull(t.c, buf)
	}
	return t.c.Read(buf)
}

func (t tcpConn) End() error { return t.c.CloseWrite() }

// Close sends RST, so that no connection waits for the last packets.
func (t tcpConn) Close() error {
	_ = t.c.SetLinger(0)
	return t.c.Close()
}
