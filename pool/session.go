// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/sctp"
)

// A Session is an association with one element of a pool at a time (Enhanced Mode). When the element fails, [Session.Recv]
// reports it to the registrar, sets up an association with another one, and returns a [*FailoverError] once. Its methods
// may be called from any number of goroutines.
//
// A message is handed to one element only. After a failover it is for the program to repeat what was not answered, if it
// may be done twice; [Session.Do] does so for one request at a time.
type Session struct {
	c      *Client
	handle string
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	// failing is held by who does a failover.
	failing chan struct{}

	mu      sync.Mutex
	conn    *sctp.Conn
	element Element
	heard   time.Time // when something came from the element
	n       int       // failovers so far
	cookie  []byte    // the latest from an element
	closed  bool
	err     error // what ended the session
}

// A FailoverError tells that the element of a Session has failed and that another one serves it now. The session goes
// on: only what the failed element has not answered is in doubt.
type FailoverError struct {
	// Handle is that of the pool.
	Handle string
	// N counts the failovers of the session, from 1.
	N int
	// From is the element that has failed, To the one that serves the session now.
	From, To Element
	// Err says how it failed: io.EOF if it shut down gracefully, *sctp.AbortError, *sctp.LostError, or what Failover
	// was called with.
	Err error
	// CookieEchoed says that To was given the latest cookie of From (RFC 5352, Section 3.8).
	CookieEchoed bool
	// Silent is how long nothing had come from From, neither messages nor the establishment of the association, when To
	// began to serve the session.
	Silent time.Duration
	// Took is how long it took to find To and to set up the association with it.
	Took time.Duration
}

// Left reports whether From has left in order, after everything that it had sent.
func (e *FailoverError) Left() bool { return isGraceful(e.Err) }

func (e *FailoverError) Error() string {
	if e.Left() {
		return fmt.Sprintf("pool %q: element %s left, %v serves now", e.Handle, idString(e.From.ID), e.To)
	}
	return fmt.Sprintf("pool %q: element %s failed (%v), %v serves now", e.Handle, idString(e.From.ID), e.Err, e.To)
}

// Unwrap returns Err.
func (e *FailoverError) Unwrap() error { return e.Err }

// ErrReservedPPID is returned for a message with the PPID of ASAP.
//
// RFC 5352, Section 5: "Messages belonging to the data channel MUST NOT use the PPID registered for ASAP."
var ErrReservedPPID = errors.New("pool: PPID 11 is reserved for ASAP")

// Dial starts a session with a pool: it resolves the handle and sets up an association with the first element that can
// be reached. Elements that cannot are reported to the registrar.
//
// Errors: those of Resolve, and of the elements that were tried.
func (c *Client) Dial(ctx context.Context, handle string) (*Session, error) {
	s := &Session{c: c, handle: handle, failing: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(c.ctx)
	conn, e, err := s.connect(ctx, nil)
	if err != nil {
		s.cancel()
		return nil, fmt.Errorf("pool: %w", err)
	}
	s.conn, s.element, s.heard = conn, e, time.Now()
	return s, nil
}

// Element returns the element that serves the session.
func (s *Session) Element() Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.element
}

// Conn returns the association with the element, to look at its paths for example. It is another one after a
// failover. Messages are to be sent and received through the session.
func (s *Session) Conn() *sctp.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

// ErrElementFailed is matched by the error of a Send to an element that has failed, or has left. The message was not
// sent to anybody. Recv finds another element.
var ErrElementFailed = errors.New("the pool element has failed")

// Send hands a message to the element that serves the session, and returns when the send buffer has taken it. It does
// not wait for a failover: from the failure of an element until Recv has returned the *FailoverError, it refuses with
// an error that matches ErrElementFailed.
//
// Errors: ErrElementFailed; ErrReservedPPID; those of sctp.Conn.Send that are about the message; what ended the session
// if no element could be found; net.ErrClosed after Close; the context's.
func (s *Session) Send(ctx context.Context, m sctp.Message) error {
	if m.PPID == asap.PPID {
		return ErrReservedPPID
	}
	s.mu.Lock()
	conn, e, err := s.conn, s.element, s.err
	s.mu.Unlock()
	if err != nil {
		return err
	}
	err = conn.Send(ctx, m)
	if err == nil || ctx.Err() != nil ||
		errors.Is(err, sctp.ErrEmptyMessage) || errors.Is(err, sctp.ErrMessageTooLarge) || errors.Is(err, sctp.ErrInvalidStream) {
		return err
	}
	if err := s.ended(); err != nil {
		return err
	}
	return fmt.Errorf("pool %q: message not sent: %w: %s: %w", s.handle, ErrElementFailed, idString(e.ID), err)
}

// Recv waits for the next message of the element that serves the session. If the element has failed, what it had sent
// is returned first. Then Recv finds another element and returns a *FailoverError: what was sent before and not
// answered is in doubt, what is sent from now on and what the next call returns belongs to the new element.
//
// If the context ends during a failover, the next call takes it up again.
//
// Errors: *FailoverError, which does not end the session; what ended the session if no element could be found;
// net.ErrClosed after Close; the context's.
func (s *Session) Recv(ctx context.Context) (sctp.Message, error) {
	for {
		s.mu.Lock()
		conn, n, err := s.conn, s.n, s.err
		s.mu.Unlock()
		if err != nil {
			return sctp.Message{}, err
		}
		m, err := conn.Recv(ctx)
		if err == nil {
			s.mu.Lock()
			s.heard = time.Now()
			s.mu.Unlock()
		}
		switch {
		case err == nil && m.PPID != asap.PPID:
			return m, nil
		case err == nil:
			s.control(m)
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return m, err
		default:
			f, err := s.failover(ctx, n, err)
			if err != nil {
				return m, err
			}
			if f != nil {
				return m, f
			}
		}
	}
}

// Do sends a request and returns the answer, that is, the next message. If the element fails before it has answered, the
// next one is asked: an element may have carried the request out without having answered it, so it must be one that may
// be carried out twice. Only one Do at a time, and no Send and Recv besides.
//
// Errors: those of Send and Recv, but for failovers.
func (s *Session) Do(ctx context.Context, m sctp.Message) (sctp.Message, error) {
	for {
		err := s.Send(ctx, m)
		sent := err == nil
		if !sent && !errors.Is(err, ErrElementFailed) {
			return sctp.Message{}, err
		}
		for {
			answer, err := s.Recv(ctx)
			if _, ok := errors.AsType[*FailoverError](err); ok {
				break
			}
			if err != nil || sent {
				return answer, err
			}
		}
	}
}

func (s *Session) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// control takes an ASAP message of the element.
//
// RFC 5352, Section 3.8: "The PU's ASAP endpoint stores the Cookie parameter and discards an older cookie if it is
// previously stored."
func (s *Session) control(m sctp.Message) {
	msg, _, err := asap.Parse(m.Data)
	if err != nil {
		return
	}
	if c, ok := msg.(*asap.Cookie); ok {
		s.mu.Lock()
		s.cookie = slices.Clone(c.Cookie)
		s.mu.Unlock()
	}
}

// Failover gives the element up that serves the session, because it does not do what it should, and reports it as
// unreachable. The next Recv, or the one that waits, finds another one.
func (s *Session) Failover(reason string) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	conn.Abort(reason)
}

// Close ends the session. What was sent is delivered first. To close it again does nothing.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	if s.err == nil {
		s.err = net.ErrClosed
	}
	conn := s.conn
	s.cancel()
	s.mu.Unlock()
	return conn.Close()
}

// failover replaces the association that was the n-th, unless somebody else has done so already; then it returns nil.
func (s *Session) failover(ctx context.Context, n int, cause error) (*FailoverError, error) {
	select {
	case s.failing <- struct{}{}:
		defer func() { <-s.failing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	if s.err != nil || s.n != n {
		defer s.mu.Unlock()
		return nil, s.err
	}
	old, from := s.conn, s.element
	s.mu.Unlock()
	if err := old.Err(); err != nil && errors.Is(cause, net.ErrClosed) {
		cause = err // by Failover
	}

	start := time.Now()
	conn, to, err := s.connect(ctx, &failure{from, cause})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && s.err == nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && s.err == nil:
		s.err = fmt.Errorf("pool %q: element %s %w, and no other was found: %w", s.handle, idString(from.ID), endError{cause}, err)
		return nil, s.err
	case err != nil:
		return nil, s.err
	case s.closed:
		conn.Abort("session closed")
		return nil, net.ErrClosed
	}
	now := time.Now()
	f := &FailoverError{
		Handle: s.handle, N: s.n + 1, From: from, To: to, Err: cause, CookieEchoed: s.cookie != nil,
		Silent: now.Sub(s.heard), Took: now.Sub(start),
	}
	s.n++
	s.conn, s.element, s.heard = conn, to, now
	return f, nil
}

// isGraceful reports whether an element has left on purpose. It is not unreachable, and not reported.
func isGraceful(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, sctp.ErrShutdown) }

// An endError says what an element did that serves a session no more.
type endError struct{ cause error }

func (e endError) Error() string {
	if isGraceful(e.cause) {
		return "left"
	}
	return fmt.Sprintf("failed (%v)", e.cause)
}

func (e endError) Unwrap() error { return e.cause }
