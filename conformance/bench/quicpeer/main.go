// SPDX-License-Identifier: Apache-2.0

// Command quicpeer is github.com/quic-go/quic-go as a contender of conformance/bench/peers: one
// bidirectional stream with TLS 1.3. It is a module of its own, so that nothing else needs QUIC.
//
// # Limitations
//
// A stream has no messages, and QUIC's handshake with its certificate is not compared: there is no
// Setup test.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"

	"github.com/quic-go/quic-go"

	"github.com/rserpool/rserpool/conformance/bench/worker"
)

func main() {
	c, err := worker.Parse(os.Args[1:])
	if err == nil {
		err = worker.Run(peer, c, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quicpeer:", err)
		os.Exit(1)
	}
}

const protocol = "rserpool-bench"

var peer = worker.Peer{
	Listen: func(c *worker.Config) (func() (worker.Conn, error), error) {
		cert, err := certificate()
		if err != nil {
			return nil, err
		}
		l, err := quic.ListenAddr(c.LocalAddr(0).String(), &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{protocol}}, nil)
		if err != nil {
			return nil, err
		}
		return func() (worker.Conn, error) {
			qc, err := l.Accept(context.Background())
			if err != nil {
				return nil, err
			}
			s, err := qc.AcceptStream(context.Background())
			return conn{qc, s, c.Test == worker.PingPong}, err
		}, nil
	},
	Dial: func(c *worker.Config) (func(int) (worker.Conn, error), error) {
		return func(int) (worker.Conn, error) {
			pc, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(c.LocalAddr(0)))
			if err != nil {
				return nil, err
			}
			// Whose certificate it is does not matter on loopback.
			qc, err := quic.Dial(context.Background(), pc, net.UDPAddrFromAddrPort(c.RemoteAddr(0)),
				&tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, nil)
			if err != nil {
				return nil, err
			}
			s, err := qc.OpenStreamSync(context.Background())
			return conn{qc, s, c.Test == worker.PingPong}, err
		}, nil
	},
}

// certificate is one that nobody has signed.
func certificate() (tls.Certificate, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, pub, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

type conn struct {
	c     *quic.Conn
	s     *quic.Stream
	whole bool
}

func (q conn) Send(msg []byte) error {
	_, err := q.s.Write(msg)
	return err
}

func (q conn) Recv(buf []byte) (int, error) {
	if q.whole {
		return io.ReadFull(q.s, buf)
	}
	n, err := q.s.Read(buf)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (q conn) End() error   { return q.s.Close() }
func (q conn) Close() error { return q.c.CloseWithError(0, "") }
