// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// maxNetConnMessage is the most that one message of a NetConn carries; what is written beyond goes into the next one.
// Every implementation of SCTP can be expected to reassemble this much.
const maxNetConnMessage = 64 << 10

// A NetConnConfig says how a net.Conn view sends. The zero value is stream 0 with PPID 0.
type NetConnConfig struct {
	// Stream is the SCTP stream. What comes is read from all streams.
	Stream uint16
	// PPID is the payload protocol identifier. It must not be that of ASAP.
	PPID sctp.PPID
}

// NetConn shows the association with the element that serves the session as a net.Conn: a reliable stream of bytes, in
// which a Write is one or more messages, and whose bytes are those of the messages of all streams in the order in which
// they arrive. The control channel goes on beside it: cookies and business cards are taken by Read. Send and Recv are not
// to be called while it is used, nor another NetConn of the same association.
//
// A stream of bytes has no place at which another element could take it over: that one has not read the beginning, and
// nobody knows how much the failed one has. So a NetConn belongs to one element, and ends with it. If the element has
// shut down gracefully, Read returns io.EOF after all it had sent, as with TCP. If it has failed, Read returns a
// [*FailoverNecessaryError], after all that had arrived, and so does Write in either case; they do so for good. To go on,
// the program calls [Session.Failover], in both modes, and then NetConn again; what it must say first to the new element is
// between the two of them, and a cookie can shorten it.
//
// Close closes the session as well, unless the session has moved on to another element.
func (s *Session) NetConn(cfg NetConnConfig) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.untold = nil // who takes a new NetConn has called Failover
	conn, n := s.conn, s.n
	v := &sessionView{s: s, conn: conn, n: n, element: s.element}
	return newNetConn(context.Background(), cfg, conn, v)
}

type sessionView struct {
	s    *Session
	conn *sctp.Conn
	n    int

	element Element
}

func (v *sessionView) recv(ctx context.Context) (sctp.Message, error) {
	s := v.s
	s.mu.Lock()
	if s.n == v.n && len(s.backlog) > 0 {
		m := s.backlog[0]
		s.backlog = s.backlog[1:]
		s.mu.Unlock()
		return m, nil
	}
	s.mu.Unlock()
	for controls := 1; ; controls++ {
		m, data, err := s.take(ctx, v.conn, v.n)
		switch {
		case err != nil:
			return m, v.failure(ctx, err)
		case data:
			return m, nil
		case controls >= maxControlRun && ctx.Err() != nil:
			return m, ctx.Err()
		}
	}
}

func (v *sessionView) send(ctx context.Context, m sctp.Message) error {
	if isControl(m) {
		return ErrReservedPPID
	}
	err := v.conn.Send(ctx, m)
	if err == nil || errors.Is(err, sctp.ErrInvalidStream) || errors.Is(err, sctp.ErrMessageTooLarge) {
		return err
	}
	if err = v.failure(ctx, err); err == io.EOF {
		v.s.mu.Lock()
		defer v.s.mu.Unlock()
		return v.necessary(io.EOF)
	}
	return err
}

func (v *sessionView) necessary(cause error) *FailoverNecessaryError {
	f := v.s.necessaryError(cause)
	f.From = v.element
	return f
}

// failure says what the end of the association means.
func (v *sessionView) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	s := v.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case isGraceful(err):
		return io.EOF
	}
	return v.necessary(err)
}

func (v *sessionView) close() error {
	v.s.mu.Lock()
	moved := v.s.n != v.n
	v.s.mu.Unlock()
	if moved {
		return nil
	}
	return v.s.Close()
}

// NetConn shows the association as a net.Conn, as [Session.NetConn] does on the other side: Read returns io.EOF when the
// client has shut down, context.Canceled when the Server drains and there is nothing left to read, and other errors as Recv
// does. Close shuts the association down. Neither Send nor Recv is to be
// called while it is used, but for SendCookie and KeepCookie.
func (s *ServerConn) NetConn(cfg NetConnConfig) net.Conn {
	return newNetConn(s.ctx, cfg, s.conn, (*serverView)(s))
}

type serverView ServerConn

func (v *serverView) recv(ctx context.Context) (sctp.Message, error) {
	return (*ServerConn)(v).Recv(ctx)
}

func (v *serverView) send(ctx context.Context, m sctp.Message) error {
	return (*ServerConn)(v).Send(ctx, m)
}

func (v *serverView) close() error { return v.conn.Close() }

// A netConn makes a net.Conn of a view.
type netConn struct {
	cfg  NetConnConfig
	conn *sctp.Conn
	view interface {
		recv(context.Context) (sctp.Message, error)
		send(context.Context, sctp.Message) error
		close() error
	}
	closing sync.Once
	in, out side
	rest    []byte // of a message that was read in part; guarded by in
}

// A side is one direction.
type side struct {
	deadline
	mu  sync.Mutex // held while something is read or written
	err error      // for good
}

// newNetConn returns one whose Read waits no longer than the context lasts.
func newNetConn(reading context.Context, cfg NetConnConfig, conn *sctp.Conn, view interface {
	recv(context.Context) (sctp.Message, error)
	send(context.Context, sctp.Message) error
	close() error
}) *netConn {
	c := &netConn{cfg: cfg, conn: conn, view: view}
	c.in.base, c.out.base = reading, context.Background()
	c.in.init()
	c.out.init()
	return c
}

// do repeats f until it has an answer, or its deadline says otherwise.
func (s *side) do(f func(ctx context.Context) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		ctx := s.context()
		err := context.Cause(ctx)
		switch {
		case err != nil && err != s.base.Err():
		case s.err != nil:
			return s.err
		default:
			err = f(ctx)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || !errors.Is(err, ctx.Err()) && err != context.Cause(ctx) {
			if !errors.Is(err, sctp.ErrInvalidStream) && !errors.Is(err, ErrReservedPPID) {
				s.err = err
			}
			return err
		}
		if cause := context.Cause(ctx); !errors.Is(cause, errDeadlineMoved) {
			return cause
		}
	}
}

func (c *netConn) Read(b []byte) (n int, err error) {
	err = c.in.do(func(ctx context.Context) error {
		if len(c.rest) == 0 && len(b) > 0 {
			m, err := c.view.recv(ctx)
			if err != nil {
				return err
			}
			c.rest = m.Data
		}
		n = copy(b, c.rest)
		c.rest = c.rest[n:]
		return nil
	})
	return n, err
}

func (c *netConn) Write(b []byte) (n int, err error) {
	err = c.out.do(func(ctx context.Context) error {
		for n < len(b) {
			m := sctp.Message{Stream: c.cfg.Stream, PPID: c.cfg.PPID, Data: b[n:min(len(b), n+maxNetConnMessage)]}
			if err := c.view.send(ctx, m); err != nil {
				return err
			}
			n += len(m.Data)
		}
		return nil
	})
	return n, err
}

func (c *netConn) Close() error {
	err := net.ErrClosed
	c.closing.Do(func() {
		c.in.close()
		c.out.close()
		err = c.view.close()
	})
	return err
}

func (c *netConn) LocalAddr() net.Addr  { return c.conn.LocalAddr() }
func (c *netConn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

func (c *netConn) SetDeadline(t time.Time) error {
	return errors.Join(c.in.set(t), c.out.set(t))
}
func (c *netConn) SetReadDeadline(t time.Time) error  { return c.in.set(t) }
func (c *netConn) SetWriteDeadline(t time.Time) error { return c.out.set(t) }

// A deadline is a time that can be moved while somebody waits for it.
type deadline struct {
	base   context.Context
	lock   sync.Mutex
	ctx    context.Context // ends at the time, and when that is moved
	cancel context.CancelCauseFunc
	timer  *time.Timer
	closed bool
}

var errDeadlineMoved = errors.New("the deadline was moved")

func (d *deadline) init() { d.ctx, d.cancel = context.WithCancelCause(d.base) }

func (d *deadline) context() context.Context {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.ctx
}

func (d *deadline) set(t time.Time) error {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.cancel(errDeadlineMoved)
	d.init()
	if t.IsZero() {
		return nil
	}
	cancel := d.cancel
	if left := time.Until(t); left > 0 {
		d.timer = time.AfterFunc(left, func() { cancel(os.ErrDeadlineExceeded) })
	} else {
		cancel(os.ErrDeadlineExceeded)
	}
	return nil
}

func (d *deadline) close() {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.cancel(net.ErrClosed)
	// What comes later finds it closed as well, whether or not the time had come before.
	d.init()
	d.cancel(net.ErrClosed)
}

var _ net.Conn = (*netConn)(nil)
