// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// A FailoverError tells that the element of a Session has failed and that another one serves it now. The session goes
// on: only what the failed element has not answered is in doubt.
type FailoverError struct {
	// Handle is that of the pool.
	Handle string
	// N counts the failovers of the session, from 1.
	N int
	// From is the element that has failed, To the one that serves the session now.
	From, To Element
	// Err says how it failed: io.EOF if it shut down gracefully, *sctp.AbortError, *sctp.LostError, or *ForcedError.
	Err error
	// CookieEchoed says that To was given the latest cookie of the session (RFC 5352, Section 3.8).
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

// A FailoverNecessaryError tells that the element of a Session has failed, or has left, and that none serves it until
// Session.Failover was called. Recv returns it with FailoverManual, and a NetConn. It matches ErrElementFailed.
type FailoverNecessaryError struct {
	// Handle is that of the pool.
	Handle string
	// From is the element that has failed.
	From Element
	// Err says how it failed: io.EOF if it shut down gracefully, *sctp.AbortError or *sctp.LostError.
	Err error
	// HasCookie says that there is a cookie for the next element.
	HasCookie bool
}

// Left reports whether From has left in order, after everything that it had sent.
func (e *FailoverNecessaryError) Left() bool { return isGraceful(e.Err) }

func (e *FailoverNecessaryError) Error() string {
	return fmt.Sprintf("pool %q: element %s %v, failover is necessary", e.Handle, idString(e.From.ID), endError{e.Err})
}

// Unwrap returns ErrElementFailed and Err.
func (e *FailoverNecessaryError) Unwrap() []error { return []error{ErrElementFailed, e.Err} }

// A ForcedError is how an element failed that the program has given up with Session.ForceFailover.
type ForcedError struct{ Reason string }

func (e *ForcedError) Error() string { return "given up: " + e.Reason }

// Force says how Session.ForceFailover gives an element up.
type Force struct {
	// Reason is for the element, which is sent an ABORT with it, and for the *FailoverError.
	Reason string
	// Unreachable reports the element to the registrar as unreachable (RFC 5352, Section 3.5). Registrars remove an
	// element that is reported too often, so it is for those that do not do what they should.
	Unreachable bool
}

// Failover looks for another element if the one that serves the session has failed or has left, and returns when the
// association with it is set up; if the element serves, it returns nil at once. Send refuses until Recv has returned the
// *FailoverError. With FailoverAuto it need not be called, since Recv does the same.
//
// It may be called again after an error: with FailoverManual, a session that finds no element within FailoverTimeout goes
// on to wait.
//
// Errors: those of Dial; what has ended the session; net.ErrClosed after Close; the context's.
func (s *Session) Failover(ctx context.Context) error {
	s.mu.Lock()
	conn, n, lost, err := s.conn, s.n, s.lost, s.err
	s.mu.Unlock()
	if err != nil {
		return err
	}
	cause := conn.Err()
	if cause == nil && lost != nil {
		cause = lost.err
	}
	if cause == nil {
		return nil
	}
	return s.failover(ctx, n, cause)
}

// ForceFailover gives the element up that serves the session, with an ABORT, and looks for another one as Failover
// does. What it has sent and Recv has not returned yet is kept. The element given up is taken again only if there is no
// other. If the context ends before, the next Recv, or Failover with FailoverManual, takes it up again.
//
// Errors: those of Failover.
func (s *Session) ForceFailover(ctx context.Context, f Force) error {
	s.mu.Lock()
	conn, n, err := s.conn, s.n, s.err
	if err == nil && s.lost == nil && conn.Err() == nil {
		s.lost = &failure{element: s.element, err: &ForcedError{f.Reason}, report: f.Unreachable}
		s.told = s.opt.Failover == FailoverManual
	}
	lost := s.lost
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if lost == nil {
		return s.Failover(ctx)
	}
	select {
	case s.reading <- struct{}{}:
		s.drain(conn, n)
		<-s.reading
	default: // Recv is at it, and there is nothing that it has not taken
	}
	conn.Abort(f.Reason)
	return s.failover(ctx, n, lost.err)
}

// drain keeps what an element has sent. The caller has reading.
func (s *Session) drain(conn *sctp.Conn, n int) {
	ready, cancel := context.WithCancel(s.ctx)
	cancel()
	for {
		m, err := conn.Recv(ready)
		if err != nil {
			return
		}
		if isControl(m) {
			s.control(ready, conn, m)
			continue
		}
		s.mu.Lock()
		if s.n == n {
			s.backlog = append(s.backlog, m) // no more than the receive buffer held
		}
		s.mu.Unlock()
	}
}

// necessary notes that the n-th element has failed, and returns what Recv has to tell, once.
func (s *Session) necessary(n int, cause error) *FailoverNecessaryError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n != n || s.told || s.err != nil {
		return nil
	}
	s.lost, s.told = newFailure(s.element, cause), true
	return s.necessaryError(cause)
}

func (s *Session) necessaryError(cause error) *FailoverNecessaryError {
	return &FailoverNecessaryError{Handle: s.handle, From: s.element, Err: cause, HasCookie: s.cookie != nil}
}

// failover replaces the association that was the n-th, unless somebody else has done so already. Recv will tell.
func (s *Session) failover(ctx context.Context, n int, cause error) error {
	select {
	case s.failing <- struct{}{}:
		defer func() { <-s.failing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	if s.err != nil || s.n != n {
		defer s.mu.Unlock()
		return s.err
	}
	if s.lost == nil {
		s.lost = newFailure(s.element, cause)
	}
	lost, old, pause := s.lost, s.conn, s.pause()
	s.mu.Unlock()

	select {
	case s.reading <- struct{}{}: // who has it is soon done with an association that is over
		s.drain(old, n)
		s.reports = 0
		<-s.reading
	case <-ctx.Done():
		return ctx.Err()
	}
	start := time.Now()
	if err := wait(ctx, s.ctx, pause); err != nil {
		return err
	}
	got, err := s.connect(ctx, lost)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && s.err != nil:
		return s.err
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		err = fmt.Errorf("pool %q: element %s %w, and no other was found: %w", s.handle, idString(lost.element.ID), endError{lost.err}, err)
		if s.opt.Failover == FailoverAuto {
			s.err = err
		}
		return err
	case s.closed:
		got.conn.Abort("session closed")
		return net.ErrClosed
	}
	now := time.Now()
	s.n++
	s.untold = &FailoverError{
		Handle: s.handle, N: s.n, From: lost.element, To: got.element, Err: lost.err, CookieEchoed: got.echoed,
		Silent: now.Sub(s.heard), Took: now.Sub(start),
	}
	s.conn, s.element, s.since, s.heard = got.conn, got.element, now, now
	s.lost, s.told = nil, false
	close(s.moved)
	s.moved = make(chan struct{})
	return nil
}

// pause is how long to wait before a failover: elements that accept a session and leave it at once, because they are
// full for example, are not to be gone through without end.
func (s *Session) pause() time.Duration {
	if _, forced := s.lost.err.(*ForcedError); forced || s.n == 0 || s.heard.After(s.since) {
		return 0
	}
	return s.opt.RetryDelay - time.Since(s.since)
}

// wait waits for d, or until one of the contexts ends; session is that of the session.
func wait(ctx, session context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-session.Done():
		return net.ErrClosed
	}
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
