// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// A Listener accepts associations on an SCTP port of a Stack.
type Listener struct {
	stack *Stack
	port  uint16

	queue chan *Conn // established, to be accepted; its capacity is the backlog

	mu      sync.Mutex
	stopped chan struct{}
	closed  bool
}

// Listen accepts associations on an SCTP port; 0 takes a free one. It returns
// ErrPortInUse if another Listener has the port.
func (s *Stack) Listen(port uint16) (*Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing {
		return nil, fmt.Errorf("sctp: listen on port %d: %w", port, net.ErrClosed)
	}
	if port == 0 {
		port = s.eng.FreePort()
	}
	if err := s.eng.Listen(port); err != nil {
		return nil, fmt.Errorf("sctp: listen on port %d: %w", port, err)
	}
	l := &Listener{stack: s, port: port, queue: make(chan *Conn, s.cfg.Backlog), stopped: make(chan struct{})}
	s.listeners[port] = l
	return l, nil
}

// Accept waits for the next association. It returns net.ErrClosed after Close,
// or the context's error.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	select {
	case c := <-l.queue: // also if the context has ended
		return c, nil
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.stopped:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// offer queues an established association. It fails if the backlog is full or
// nobody listens any more.
func (l *Listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	select {
	case l.queue <- c:
		return true
	default:
		return false
	}
}

// Close refuses new associations and aborts those which were not accepted.
// Accepted ones are not touched.
func (l *Listener) Close() error {
	if !l.stop() {
		return net.ErrClosed
	}
	l.stack.waitRelease()
	return nil
}

func (l *Listener) stop() bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.closed = true
	close(l.stopped)
	l.mu.Unlock()

	for len(l.queue) > 0 {
		select {
		case c := <-l.queue:
			c.markClosed()
			c.abort("listener closed")
		default:
		}
	}
	s := l.stack
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eng.Unlisten(l.port)
	delete(s.listeners, l.port)
	s.releaseIfUnused()
	return true
}

// Addr returns the addresses of the Stack with the SCTP port.
func (l *Listener) Addr() *Addr {
	return &Addr{IPs: l.stack.Addrs(), Port: l.port, EncapPort: l.stack.EncapPort()}
}

// NetListener returns l as a net.Listener, for servers that expect one: each
// association is accepted as its Stream with the given identifier.
func (l *Listener) NetListener(stream uint16) net.Listener { return netListener{l, stream} }

type netListener struct {
	l      *Listener
	stream uint16
}

func (n netListener) Accept() (net.Conn, error) {
	c, err := n.l.Accept(context.Background())
	if err != nil {
		return nil, err
	}
	return c.Stream(n.stream), nil
}

func (n netListener) Close() error   { return n.l.Close() }
func (n netListener) Addr() net.Addr { return n.l.Addr() }
