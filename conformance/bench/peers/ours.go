// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/netip"

	"github.com/rserpool/rserpool/conformance/bench/worker"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// sctpPort is the port of servers; clients take any.
const sctpPort = 5000

// ours is package sctp with one change of its defaults, or none.
func ours(set func(*sctp.Config)) worker.Peer {
	stack := func(port uint16) (*sctp.Stack, error) {
		cfg := &sctp.Config{LocalAddrs: []netip.Addr{worker.Loopback}, EncapPort: int(port)}
		set(cfg)
		return sctp.NewStack(cfg)
	}
	ctx := context.Background()
	return worker.Peer{
		Listen: func(c *worker.Config) (func() (worker.Conn, error), error) {
			s, err := stack(c.Local)
			if err != nil {
				return nil, err
			}
			l, err := s.Listen(sctpPort)
			if err != nil {
				return nil, err
			}
			return func() (worker.Conn, error) {
				conn, err := l.Accept(ctx)
				return oursConn{conn}, err
			}, nil
		},
		Dial: func(c *worker.Config) (func(int) (worker.Conn, error), error) {
			s, err := stack(c.Local)
			if err != nil {
				return nil, err
			}
			to := &sctp.Addr{IPs: []netip.Addr{worker.Loopback}, Port: sctpPort, EncapPort: c.Remote}
			return func(int) (worker.Conn, error) {
				conn, err := s.Dial(ctx, to)
				return oursConn{conn}, err
			}, nil
		},
	}
}

type oursConn struct{ c *sctp.Conn }

func (o oursConn) Send(msg []byte) error {
	return o.c.Send(context.Background(), sctp.Message{Data: msg})
}

func (o oursConn) Recv(buf []byte) (int, error) {
	m, err := o.c.RecvBuf(context.Background(), buf)
	return worker.Ended(len(m.Data), err)
}

func (o oursConn) End() error   { return o.Send(worker.Mark) }
func (o oursConn) Close() error { return o.c.Abort("") }

func byDefault(*sctp.Config) {}

// plain moves one datagram per system call, as on systems without segmentation offload.
func plain(c *sctp.Config) {
	c.Network = udpencap.HostConfig{DisableGSO: true, DisableGRO: true}.Network()
}

// cubic is for long paths.
func cubic(c *sctp.Config) {
	c.CongestionControl, c.LossDetection = sctp.CongestionCUBIC, sctp.LossDetectionRACK
}

// lossy is for paths that lose packets by themselves.
func lossy(c *sctp.Config) {
	c.CongestionControl, c.LossDetection = sctp.CongestionWestwood, sctp.LossDetectionRACK
}
