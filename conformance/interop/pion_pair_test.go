// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"net/netip"
	"testing"
	"time"

	pion "github.com/pion/sctp"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/bench/pionpeer"
	"github.com/rserpool/rserpool/sctp"
)

var pionLoopback = netip.MustParseAddr("127.0.0.1")

// pionDeadline bounds each test: a hundred times what it takes when nothing is wrong.
const pionDeadline = 2 * time.Minute

// A pionPair is one association, seen from both ends.
type pionPair struct {
	ours *sctp.Conn
	pion *pion.Association
}

// pionRoles are the two ways to set one up.
var pionRoles = []struct {
	name    string
	connect func(t *testing.T, ctx context.Context, cfg sctp.Config) pionPair
}{
	{"pion dials", pionDials},
	{"pion serves", pionServes},
}

func pionContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), pionDeadline)
	t.Cleanup(cancel)
	return ctx
}

// pionStack makes a stack on loopback and any UDP port, unless cfg says where.
func pionStack(t *testing.T, cfg sctp.Config) *sctp.Stack {
	if cfg.LocalAddrs == nil {
		cfg.LocalAddrs, cfg.EncapPort = []netip.Addr{pionLoopback}, -1
	}
	stack, err := sctp.NewStack(&cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stack.Close() })
	return stack
}

// pionSocket opens the socket of an association of Pion's with stack.
func pionSocket(t *testing.T, stack *sctp.Stack) *pionpeer.Socket {
	addr := stack.Addrs()[0]
	s, err := pionpeer.Open(netip.AddrPortFrom(addr, 0), netip.AddrPortFrom(addr, stack.EncapPort()))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func pionDials(t *testing.T, ctx context.Context, cfg sctp.Config) pionPair {
	stack := pionStack(t, cfg)
	ln, err := stack.Listen(pionpeer.Port)
	require.NoError(t, err)
	s := pionSocket(t, stack)
	a, err := s.Dial(ctx)
	require.NoError(t, err)
	c, err := ln.Accept(ctx)
	require.NoError(t, err)
	require.Equal(t, s.LocalAddr().Port(), c.RemoteAddr().EncapPort)
	return pionPair{c, a}
}

func pionServes(t *testing.T, ctx context.Context, cfg sctp.Config) pionPair {
	stack := pionStack(t, cfg)
	s := pionSocket(t, stack)
	type served struct {
		a   *pion.Association
		err error
	}
	done := make(chan served, 1)
	go func() {
		a, err := s.Serve(ctx)
		done <- served{a, err}
	}()
	c, err := stack.Dial(ctx, &sctp.Addr{
		IPs: stack.Addrs(), Port: pionpeer.Port, EncapPort: s.LocalAddr().Port(),
	})
	require.NoError(t, err)
	r := <-done
	require.NoError(t, r.err)
	return pionPair{c, r.a}
}

// open opens a stream at Pion's end, before anything arrives on it.
func (p pionPair) open(t *testing.T, id uint16, unordered bool) *pion.Stream {
	s, err := p.pion.OpenStream(id, pion.PayloadTypeWebRTCBinary)
	require.NoError(t, err)
	s.SetReliabilityParams(unordered, pion.ReliabilityTypeReliable, 0)
	return s
}
