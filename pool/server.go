// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
)

// A Handler serves the sessions of a Server.
type Handler interface {
	// ServeSession serves one session, and returns when it is done with it. The context ends when the Server drains:
	// what has been received should be answered, and nothing more waited for. The association is shut down afterwards.
	ServeSession(ctx context.Context, conn *ServerConn)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, conn *ServerConn)

// ServeSession calls f.
func (f HandlerFunc) ServeSession(ctx context.Context, conn *ServerConn) { f(ctx, conn) }

// Echo is a Handler that sends every message back as it came.
var Echo Handler = HandlerFunc(func(ctx context.Context, conn *ServerConn) {
	answer := context.WithoutCancel(ctx) // what has come before the server drains, too
	for {
		m, err := conn.Recv(ctx)
		if err != nil {
			return
		}
		if conn.Send(answer, sctp.Message{Stream: m.Stream, PPID: m.PPID, Unordered: m.Unordered, Data: m.Data}) != nil {
			return
		}
	}
})

// A Server is a pool element with a handler for each session (Enhanced Mode). Handle and Handler are needed. It serves
// once: it must not be changed after Serve was called, nor Serve be called again.
type Server struct {
	// Handle is that of the pool.
	Handle string
	// ID is the PE Identifier. Default: a random one.
	ID uint32
	// Policy is that of the pool, with the element's own weight or load. Default: policy.RoundRobin{}.
	Policy policy.Policy
	// Handler serves the sessions.
	Handler Handler
	// Port is the SCTP port. Default: that of the Client for the first Server, a free one for others.
	Port uint16
	// Addrs are the addresses to register. Default: all of the stack.
	Addrs []netip.Addr
	// Interval is that of re-registrations, Life how long registrars keep the element without hearing of it; see
	// Registration.
	Interval, Life time.Duration
	// SpeaksFirst starts the handler before the client has sent anything. The default is to wait for the first
	// message, because registrars set up associations to the same port.
	SpeaksFirst bool
	// MaxSessions is how many sessions are served at a time. A client whose first message comes when there are as many
	// is sent away with a graceful shutdown, and turns to the next element. Default: no limit.
	MaxSessions int
	// Cookies says when what the handler has given to ServerConn.KeepCookie is sent to the client.
	Cookies CookiePolicy
	// CookieKeys sign the cookies of the pool's elements, which must have them in common: cookies are sent with an
	// HMAC-SHA256 (32 bytes) made with the first key, and one that comes back is taken only if one of the keys has made
	// its. Default: they are sent and taken as they are.
	//
	// RFC 5352, Section 3.8: "a cookie should be signed by the sending PE ASAP Endpoint and the cookie should be verified
	// by the receiving PE's ASAP Endpoint."
	CookieKeys [][]byte
	// Cards gives each client a business card when its session begins (RFC 5352, Section 3.9): the other elements of the
	// pool, in the order of its policy. SetBusinessCard takes its place. Default: none is sent, see docs/deviations.md.
	Cards bool
	// Linger is how long the sessions that exist are served on in the end, once the element is deregistered and takes no
	// new ones. Default: not at all; clients that fail over to another element find out at once.
	Linger time.Duration
	// DrainTimeout is how long Serve waits in the end for the registrar, and then, after Linger, for the handlers, before
	// it aborts what is left. Default: 5 s. Negative: it does not wait.
	DrainTimeout time.Duration

	mu       sync.Mutex
	reg      *Registered
	ready    chan struct{} // closed when reg is set
	began    bool          // Serve was called
	load     *float64      // that was set
	card     *BusinessCard // that was set
	sessions map[*ServerConn]struct{}
	idle     chan struct{} // closed when there are no sessions, if somebody waits for it

	drain  context.Context // ends when handlers shall come to an end
	abort  context.Context // ends when they had their time
	active sync.WaitGroup
}

const (
	defaultDrainTimeout = 5 * time.Second
	// leaveTimeout is how long Serve tries to deregister while there is no registrar: those who knew the element have
	// lost it with the association, or will.
	leaveTimeout = 500 * time.Millisecond
)

// Serve registers the element and serves sessions until the context ends, the registration is rejected, or the Client
// is closed. Then it deregisters, lets the handlers finish, and returns nil if it was the context.
func (s *Server) Serve(ctx context.Context, c *Client) error {
	if s.Handler == nil {
		return errors.New("pool: serve: Handler is nil")
	}
	if err := s.Cookies.check(); err != nil {
		return fmt.Errorf("pool: serve: %w", err)
	}
	if err := checkHandle(s.Handle); err != nil {
		return fmt.Errorf("pool: serve: %w", err)
	}
	s.mu.Lock()
	again := s.began
	s.began = true
	s.mu.Unlock()
	if again {
		return fmt.Errorf("pool: serve %.32q: Serve was called before, and a Server serves once", s.Handle)
	}
	fail := func(err error) error { return fmt.Errorf("pool: serve %.32q: %w", s.Handle, err) }
	drain, startDrain := context.WithCancel(context.Background())
	abort, startAbort := context.WithCancel(context.Background())
	s.drain, s.abort = drain, abort
	port, stop, err := s.listen(c)
	if err != nil {
		startDrain()
		startAbort()
		return fail(err)
	}
	timeout := s.DrainTimeout
	if timeout == 0 {
		timeout = defaultDrainTimeout
	}
	defer func() {
		// No new sessions, and an end to those there are.
		stop()
		s.linger(c)
		startDrain()
		t := time.AfterFunc(max(timeout, 0), startAbort)
		s.active.Wait()
		t.Stop()
		startAbort()
	}()
	s.mu.Lock()
	p, load := s.Policy, s.load
	s.mu.Unlock()
	if p != nil && load != nil {
		p = policy.WithLoad(p, policy.Fraction(*load))
	}
	reg, err := c.Register(ctx, Registration{
		Handle: s.Handle, ID: s.ID, Policy: p, Addrs: s.Addrs, Port: port, Interval: s.Interval, Life: s.Life,
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	s.mu.Lock()
	s.reg, load = reg, s.load
	s.mu.Unlock()
	if load != nil {
		reg.SetLoad(*load) // it may have changed meanwhile
	}
	close(s.readiness())
	select {
	case <-reg.Done():
		return fail(reg.Err())
	case <-ctx.Done():
	}
	leave := timeout
	if reg.State() != RegistrationUp {
		leave = min(leave, leaveTimeout)
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(leave, 0))
	defer cancel()
	if err := reg.Deregister(limited); err != nil {
		c.log.Warn("deregistration failed", "pool", s.Handle, "element", idString(reg.ID()), "error", err)
	}
	return nil
}

// Ready returns a channel that is closed when the element is registered for the first time.
func (s *Server) Ready() <-chan struct{} { return s.readiness() }

func (s *Server) readiness() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil {
		s.ready = make(chan struct{})
	}
	return s.ready
}

// Registered returns the registration, or nil before it is Ready.
func (s *Server) Registered() *Registered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reg
}

// Load returns the load of the element that was set last, a number from 0 to 1; false if none was set.
func (s *Server) Load() (load float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.load == nil {
		return 0, false
	}
	return *s.load, true
}

// SetLoad sets the load of the element, a number from 0 to 1, as Registered.SetLoad does. Before it is registered, the
// load is that of its registration.
func (s *Server) SetLoad(load float64) error {
	if err := checkLoad(load); err != nil {
		return err
	}
	s.mu.Lock()
	s.load = &load
	r := s.reg
	s.mu.Unlock()
	if r != nil {
		return r.SetLoad(load)
	}
	return nil
}

// listen lets sessions come in, on the Client's listener or one of its own.
func (s *Server) listen(c *Client) (port uint16, stop func(), err error) {
	if err := c.needsSCTP(); err != nil {
		return 0, nil, err
	}
	attached := false
	if !c.do(func(time.Time) {
		if c.server == nil && (s.Port == 0 || s.Port == c.port) {
			c.server, attached = s, true
		}
	}) {
		return 0, nil, errClosed
	}
	if attached {
		return c.port, func() {
			c.mu.Lock()
			c.server = nil
			c.mu.Unlock()
		}, nil
	}
	l, err := c.stack.Listen(s.Port)
	if err != nil {
		return 0, nil, err
	}
	done := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		l.Close()
		return 0, nil, errClosed
	}
	c.work.Go(func() {
		defer close(done)
		for {
			conn, err := l.Accept(c.ctx)
			if err != nil {
				return
			}
			s.active.Add(1)
			c.work.Go(func() { c.serveInbound(conn, s) })
		}
	})
	return l.Addr().Port, func() {
		l.Close()
		<-done
	}, nil
}

// accept takes associations on the Client's port: of sessions with its Server, and of registrars.
func (c *Client) accept() {
	for {
		conn, err := c.listener.Accept(c.ctx)
		if err != nil {
			return
		}
		c.mu.Lock()
		s := c.server
		if s != nil {
			s.active.Add(1)
		}
		c.mu.Unlock()
		c.work.Go(func() { c.serveInbound(conn, s) })
	}
}

// serveInbound serves an association that somebody has set up: with a handler, if it turns out to be a session.
func (c *Client) serveInbound(conn *sctp.Conn, s *Server) {
	sc := newServerConn(c, s, conn)
	defer sc.end()
	if s == nil {
		if _, err := sc.Recv(c.ctx); err == nil {
			conn.Abort("no service here")
		}
		return
	}
	leave := sync.OnceFunc(s.active.Done)
	defer leave()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	defer context.AfterFunc(s.drain, cancel)()
	sc.ctx = ctx
	if !s.SpeaksFirst {
		m, err := sc.Recv(ctx)
		if err != nil && sc.link != nil && c.ctx.Err() == nil {
			leave() // it is a registrar's, and remains when the Server ends
			sc.Recv(c.ctx)
			return
		}
		if err != nil {
			return
		}
		sc.first = &m
	}
	if !s.begin(sc) {
		return
	}
	defer s.finish(sc)
	defer context.AfterFunc(s.abort, func() { conn.Abort("server closed") })()
	s.Handler.ServeSession(ctx, sc)
}
