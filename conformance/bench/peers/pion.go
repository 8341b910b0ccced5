// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	pion "github.com/pion/sctp"

	"github.com/rserpool/rserpool/conformance/bench/pionpeer"
	"github.com/rserpool/rserpool/conformance/bench/worker"
)

// pionPeer is Pion as it is fastest (see the contenders of package bench). It has no listener: a server has a socket for
// each association, which is there before the test begins.
var pionPeer = worker.Peer{
	Listen: func(c *worker.Config) (func() (worker.Conn, error), error) {
		conns, errs := make(chan worker.Conn), make(chan error)
		n := 1
		if c.Test == worker.Setup {
			n = c.Setups
		}
		for i := range n {
			s, err := pionpeer.Open(c.LocalAddr(i), c.RemoteAddr(i))
			if err != nil {
				return nil, err
			}
			go func() {
				a, err := s.Serve(context.Background(), pion.WithMaxReceiveBufferSize(pionpeer.ReceiveBuffer))
				if err != nil {
					errs <- err
					return
				}
				if c.Test == worker.Setup {
					return // the socket keeps it, as it is
				}
				st, err := a.AcceptStream()
				if err != nil {
					errs <- err
					return
				}
				conns <- newPionConn(a, st)
			}()
		}
		return func() (worker.Conn, error) {
			select {
			case conn := <-conns:
				return conn, nil
			case err := <-errs:
				return nil, err
			}
		}, nil
	},
	Dial: func(c *worker.Config) (func(int) (worker.Conn, error), error) {
		return func(i int) (worker.Conn, error) {
			s, err := pionpeer.Open(c.LocalAddr(i), c.RemoteAddr(i))
			if err != nil {
				return nil, err
			}
			a, err := s.Dial(context.Background(), pion.WithMaxReceiveBufferSize(pionpeer.ReceiveBuffer))
			if err != nil {
				return nil, err
			}
			if c.Test == worker.Setup {
				return &pionConn{a: a}, nil
			}
			st, err := a.OpenStream(0, pion.PayloadTypeWebRTCBinary)
			if err != nil {
				return nil, err
			}
			return newPionConn(a, st), nil
		}, nil
	},
}

type pionConn struct {
	a *pion.Association
	s *pion.Stream
	w *pionpeer.Writer
}

func newPionConn(a *pion.Association, s *pion.Stream) *pionConn {
	return &pionConn{a, s, pionpeer.NewWriter(s, nil)}
}

func (p *pionConn) Send(msg []byte) error { return p.w.Write(msg, 0) }

func (p *pionConn) Recv(buf []byte) (int, error) { return worker.Ended(p.s.Read(buf)) }

func (p *pionConn) End() error { return p.Send(worker.Mark) }

// Close ends the association without a word to its peer: an ABORT would be waited for.
func (p *pionConn) Close() error { return p.a.Close() }
