// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net/netip"
	"time"

	pion "github.com/pion/sctp"

	"github.com/rserpool/rserpool/conformance/bench/pionpeer"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// An end is one end of an association, as far as a benchmark uses it: ordered messages on one
// stream.
type end interface {
	// send waits while the stack has enough to do.
	send(msg []byte) error
	// recv returns the size of the next message, which is now in buf.
	recv(buf []byte) (int, error)
}

// A link is an established association.
type link struct {
	a, b  end
	close func()
}

// A contender is a stack in one configuration.
type contender struct {
	name string
	open func(ctx context.Context) (link, error)
}

var loopback = netip.MustParseAddr("127.0.0.1")

var (
	// ours is package sctp as it is by default.
	ours = contender{"ours", func(ctx context.Context) (link, error) {
		return openOurs(ctx, udpencap.HostConfig{})
	}}
	// oursPlain moves one datagram per system call, as on systems without segmentation offload.
	oursPlain = contender{"ours-plain", func(ctx context.Context) (link, error) {
		return openOurs(ctx, udpencap.HostConfig{DisableGSO: true, DisableGRO: true})
	}}
	// pionBest is Pion as it is fastest: what is queued is bounded by its count of buffered bytes
	// (its blocking writes are slower), with its default window (larger ones were no faster) and
	// I-DATA (its default), full packets, and socket buffers as large as ours.
	pionBest = contender{"pion", openPion}
)

// setupTimeout bounds the set-up of an association, which takes milliseconds.
const setupTimeout = 10 * time.Second

type oursEnd struct {
	ctx  context.Context
	conn *sctp.Conn
}

func (e oursEnd) send(msg []byte) error { return e.conn.Send(e.ctx, sctp.Message{Data: msg}) }

func (e oursEnd) recv(buf []byte) (int, error) {
	m, err := e.conn.RecvBuf(e.ctx, buf)
	return len(m.Data), err
}

func openOurs(ctx context.Context, host udpencap.HostConfig) (l link, err error) {
	setup, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	var stacks []*sctp.Stack
	l.close = func() {
		for _, s := range stacks {
			s.Close()
		}
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for range 2 {
		s, err := sctp.NewStack(&sctp.Config{
			Network: host.Network(), LocalAddrs: []netip.Addr{loopback}, EncapPort: -1,
		})
		if err != nil {
			return l, err
		}
		stacks = append(stacks, s)
	}
	ln, err := stacks[1].Listen(pionpeer.Port)
	if err != nil {
		return l, err
	}
	a, err := stacks[0].Dial(setup, ln.Addr())
	if err != nil {
		return l, err
	}
	b, err := ln.Accept(setup)
	if err != nil {
		return l, err
	}
	l.a, l.b = oursEnd{ctx, a}, oursEnd{ctx, b}
	return l, nil
}

type pionEnd struct {
	stream *pion.Stream
	writer *pionpeer.Writer
}

func (e pionEnd) send(msg []byte) error { return e.writer.Write(msg, 0) }

func (e pionEnd) recv(buf []byte) (int, error) { return e.stream.Read(buf) }

func openPion(ctx context.Context) (l link, err error) {
	setup, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	// Each socket is connected to the other, so that one must exist before it knows its peer.
	spare, err := pionpeer.Open(netip.AddrPortFrom(loopback, 0), netip.AddrPortFrom(loopback, udpencap.DefaultPort))
	if err != nil {
		return l, err
	}
	at := spare.LocalAddr()
	spare.Close()
	sa, err := pionpeer.Open(netip.AddrPortFrom(loopback, 0), at)
	if err != nil {
		return l, err
	}
	sb, err := pionpeer.Open(at, sa.LocalAddr())
	if err != nil {
		sa.Close()
		return l, err
	}
	l.close = func() { sa.Close(); sb.Close() }

	buffer := pion.WithMaxReceiveBufferSize(pionpeer.ReceiveBuffer)
	type served struct {
		a   *pion.Association
		err error
	}
	other := make(chan served, 1)
	go func() {
		a, err := sb.Serve(setup, buffer)
		other <- served{a, err}
	}()
	a, err := sa.Dial(setup, buffer)
	r := <-other
	if err == nil {
		err = r.err
	}
	if err != nil {
		l.close()
		return l, err
	}
	l.close = func() { a.Close(); r.a.Close() }
	if l.a, err = newPionEnd(ctx, a); err == nil {
		l.b, err = newPionEnd(ctx, r.a)
	}
	if err != nil {
		l.close()
	}
	return l, err
}

func newPionEnd(ctx context.Context, a *pion.Association) (pionEnd, error) {
	s, err := a.OpenStream(0, pion.PayloadTypeWebRTCBinary)
	if err != nil {
		return pionEnd{}, err
	}
	return pionEnd{s, pionpeer.NewWriter(s, ctx.Done())}, nil
}
