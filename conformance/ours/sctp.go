// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp"
)

// SCTP is a Stack with an echo service on one SCTP port, which does the acts of an SCTP endpoint. Every association is
// echoed to, those it opens too: what comes is sent back on the same stream, with the same PPID, ordered or not.
type SCTP struct {
	stack *sctp.Stack
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu    sync.Mutex
	conns map[uint16]*echo // by the peer's SCTP port, the latest
}

// echo is an association, and whether it is read.
type echo struct {
	conn *sctp.Conn
	mu   sync.Mutex
	idle chan struct{} // closed when it is to be read again; nil if it is read
}

// NewSCTP starts one.
func NewSCTP(cfg *sctp.Config, port uint16) (*SCTP, error) {
	stack, err := sctp.NewStack(cfg)
	if err != nil {
		return nil, err
	}
	ln, err := stack.Listen(port)
	if err != nil {
		stack.Close()
		return nil, err
	}
	s := &SCTP{stack: stack, conns: map[uint16]*echo{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.wg.Go(func() {
		for {
			c, err := ln.Accept(s.ctx)
			if err != nil {
				return
			}
			s.add(c)
		}
	})
	return s, nil
}

// Stack is that of the system.
func (s *SCTP) Stack() *sctp.Stack { return s.stack }

// Close ends all associations.
func (s *SCTP) Close() {
	s.stop()
	s.stack.Close()
	s.wg.Wait()
}

// add takes an association in and echoes what it brings.
func (s *SCTP) add(c *sctp.Conn) *echo {
	e := &echo{conn: c}
	s.mu.Lock()
	s.conns[c.RemoteAddr().Port] = e
	s.mu.Unlock()
	s.wg.Go(func() {
		for {
			e.mu.Lock()
			idle := e.idle
			e.mu.Unlock()
			if idle != nil {
				select {
				case <-idle:
				case <-s.ctx.Done():
					return
				}
				continue
			}
			m, err := c.Recv(s.ctx)
			if err != nil {
				return
			}
			if c.Send(s.ctx, sctp.Message{Stream: m.Stream, PPID: m.PPID, Unordered: m.Unordered, Data: m.Data}) != nil {
				continue // the stream may not exist in this direction
			}
		}
	})
	return e
}

// find returns the association with a peer's SCTP port; it may be about to be accepted.
func (s *SCTP) find(ctx context.Context, args conformance.Args) (*echo, error) {
	port, err := number[uint16](args, "port", 0)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		e := s.conns[port]
		s.mu.Unlock()
		if e != nil {
			return e, nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("there is no association with SCTP port %d", port)
		}
	}
}

// sctpActs are those of an SCTP endpoint.
var sctpActs = map[string]func(*SCTP, context.Context, conformance.Args) error{
	"connect":       (*SCTP).connect,
	"connect-send":  (*SCTP).connectSend,
	"send":          (*SCTP).send,
	"pr-ttl":        (*SCTP).send,
	"shutdown":      (*SCTP).shutdown,
	"send-shutdown": (*SCTP).sendShutdown,
	"abort":         (*SCTP).abort,
	"noread":        (*SCTP).noread,
	"read":          (*SCTP).read,
	"reset":         (*SCTP).reset,
	"add-streams":   (*SCTP).addStreams,
	"addip":         (*SCTP).addIP,
	"delip":         (*SCTP).delIP,
}

// Has implements conformance.Control.
func (s *SCTP) Has(act string) bool { return sctpActs[act] != nil }

// Do implements conformance.Control.
func (s *SCTP) Do(ctx context.Context, act string, args conformance.Args) error {
	f := sctpActs[act]
	if f == nil {
		return fmt.Errorf("unknown act %q", act)
	}
	return f(s, ctx, args)
}

func (s *SCTP) dial(args conformance.Args, then func(*echo)) error {
	addr := &sctp.Addr{}
	for _, text := range strings.Split(args["addr"], ",") {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		addr.IPs = append(addr.IPs, ip)
	}
	var err error
	if addr.Port, err = number[uint16](args, "port", 0); err != nil {
		return err
	}
	if addr.EncapPort, err = number[uint16](args, "udp", 9899); err != nil {
		return err
	}
	s.wg.Go(func() {
		c, err := s.stack.Dial(s.ctx, addr)
		if err != nil {
			return
		}
		then(s.add(c))
	})
	return nil
}

func (s *SCTP) connect(_ context.Context, args conformance.Args) error {
	return s.dial(args, func(*echo) {})
}

func (s *SCTP) connectSend(_ context.Context, args conformance.Args) error {
	return s.dial(args, func(*echo) { _ = s.send(s.ctx, args) })
}

// send queues messages; it does not wait for room.
func (s *SCTP) send(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	ms, err := messages(args)
	if err != nil {
		return err
	}
	s.wg.Go(func() { _, _ = e.conn.SendBatch(s.ctx, ms) })
	return nil
}

// messages are those the arguments count, size, stream, ppid, unordered and ttl ask for.
func messages(args conformance.Args) ([]sctp.Message, error) {
	count, err1 := number(args, "count", 1)
	size, err2 := number(args, "size", 100)
	stream, err3 := number[uint16](args, "stream", 0)
	ppid, err4 := number[uint32](args, "ppid", 0)
	ttl, err5 := number(args, "ttl", 0)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return nil, err
		}
	}
	ms := make([]sctp.Message, count)
	for i := range ms {
		ms[i] = sctp.Message{Stream: stream, PPID: sctp.PPID(ppid), Unordered: args["unordered"] != "", Data: bytes.Repeat([]byte{byte('a' + i%26)}, max(size, 1))}
		if ttl > 0 {
			ms[i].Reliability = sctp.Lifetime(time.Duration(ttl) * time.Millisecond)
		}
	}
	return ms, nil
}

func (s *SCTP) shutdown(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	s.wg.Go(func() { _ = e.conn.Shutdown(s.ctx) })
	return nil
}

func (s *SCTP) sendShutdown(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	ms, err := messages(args)
	if err != nil {
		return err
	}
	s.wg.Go(func() {
		if _, err := e.conn.SendBatch(s.ctx, ms); err == nil {
			_ = e.conn.Shutdown(s.ctx)
		}
	})
	return nil
}

func (s *SCTP) abort(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	return e.conn.Abort(args["reason"])
}

func (s *SCTP) noread(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	return nil
}

func (s *SCTP) read(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
	return nil
}

func (s *SCTP) reset(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	var ids []uint16
	for text := range strings.SplitSeq(args["streams"], ",") {
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return err
		}
		ids = append(ids, uint16(n))
	}
	dir := sctp.Outbound
	switch args["dir"] {
	case "in":
		dir = sctp.Inbound
	case "both":
		dir = sctp.Outbound | sctp.Inbound
	case "assoc":
		s.wg.Go(func() { _ = e.conn.ResetAssociation(s.ctx) })
		return nil
	}
	s.wg.Go(func() { _ = e.conn.ResetStreams(s.ctx, dir, ids...) })
	return nil
}

func (s *SCTP) addStreams(ctx context.Context, args conformance.Args) error {
	e, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	out, err1 := number(args, "out", 0)
	in, err2 := number(args, "in", 0)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("out and in must be numbers")
	}
	s.wg.Go(func() { _ = e.conn.AddStreams(s.ctx, out, in) })
	return nil
}

func (s *SCTP) addIP(ctx context.Context, args conformance.Args) error {
	return s.addrs(args, s.stack.AddAddr)
}

func (s *SCTP) delIP(ctx context.Context, args conformance.Args) error {
	return s.addrs(args, s.stack.RemoveAddr)
}

// addrs changes the addresses of the stack, and so those of all its associations.
func (s *SCTP) addrs(args conformance.Args, change func(context.Context, netip.Addr) error) error {
	ip, err := netip.ParseAddr(args["addr"])
	if err != nil {
		return err
	}
	s.wg.Go(func() { _ = change(s.ctx, ip) })
	return nil
}

// number is a numeric argument.
func number[N int | uint16 | uint32](args conformance.Args, name string, def N) (N, error) {
	text, ok := args[name]
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseUint(text, 0, 63)
	if err != nil || uint64(N(n)) != n {
		return 0, fmt.Errorf("%s=%q is not a number that fits", name, text)
	}
	return N(n), nil
}
