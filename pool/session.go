// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/sctp"
)

// A Session is an association with one element of a pool at a time (Enhanced Mode). When the element fails, [Session.Recv]
// reports it to the registrar, sets up an association with another one, and returns a [*FailoverError] once. Its methods
// may be called from any number of goroutines.
//
// What happens to a session is told by Recv, in its place among the messages, as an error that does not end the session:
// [*FailoverError], [*FailoverNecessaryError] with FailoverManual, [*CardNotice] if it is asked for. Nothing calls into
// the program.
//
// A message is handed to one element only. After a failover it is for the program to repeat what was not answered, if it
// may be done twice; [Session.Do] does so for one request at a time.
type Session struct {
	c      *Client
	handle string
	opt    DialOptions
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	// failing is held by who does a failover, reading by who takes messages from the association: cookies have an order.
	// Who has failing may wait for reading, not the other way round.
	failing, reading chan struct{}
	reports          int // of what was wrong on the control channel; guarded by reading

	mu      sync.Mutex
	conn    *sctp.Conn
	element Element
	since   time.Time // when the element began to serve
	heard   time.Time // when something came from it
	n       int       // failovers so far
	cookie  []byte    // the latest from an element
	card    *BusinessCard

	lost    *failure       // the element that serves has failed, or was given up
	told    bool           // FailoverManual: lost was told, or is by the program's own doing
	moved   chan struct{}  // closed by the next failover, and the end
	backlog []sctp.Message // of the element before, not received yet
	notices []error        // for Recv
	untold  *FailoverError // for Recv
	closed  bool
	err     error // what ended the session
}

// ErrReservedPPID is returned for a message with the PPID of ASAP.
//
// RFC 5352, Section 5: "Messages belonging to the data channel MUST NOT use the PPID registered for ASAP."
var ErrReservedPPID = errors.New("pool: PPID 11 is reserved for ASAP")

// Dial starts a session with a pool: it resolves the handle and sets up an association with the first element that can
// be reached. Elements that cannot are reported to the registrar.
//
// Errors: those of Resolve, and of the elements that were tried.
func (c *Client) Dial(ctx context.Context, handle string) (*Session, error) {
	return c.DialWith(ctx, handle, DialOptions{})
}

// Handle returns the handle of the pool.
func (s *Session) Handle() string { return s.handle }

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

// HasCookie reports whether an element has given the session a cookie, which the next one will be given. Cookies are
// taken by Recv.
func (s *Session) HasCookie() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cookie != nil
}

// BusinessCard returns the latest business card from the elements that have served the session, or nil. It is used for
// the next failover. Cards are taken by Recv.
func (s *Session) BusinessCard() *BusinessCard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.card
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
	conn, e, err, untold := s.conn, s.element, s.err, s.untold
	s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case untold != nil:
		return fmt.Errorf("pool %q: message not sent: %w: %s: the failover is not received yet", s.handle, ErrElementFailed, idString(untold.From.ID))
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
// Errors that do not end the session: *FailoverError; with FailoverManual *FailoverNecessaryError, after which Recv
// waits for Failover; *CardNotice if DialOptions ask for it. Others: what ended the session if no element could be found;
// net.ErrClosed after Close; the context's.
func (s *Session) Recv(ctx context.Context) (sctp.Message, error) {
	for controls := 0; ; {
		s.mu.Lock()
		if m, err, ok := s.pending(); ok {
			s.mu.Unlock()
			return m, err
		}
		conn, n, told, moved := s.conn, s.n, s.told, s.moved
		s.mu.Unlock()
		if told {
			select {
			case <-moved:
				continue
			case <-ctx.Done():
				return sctp.Message{}, ctx.Err()
			case <-s.ctx.Done():
				if err := s.ended(); err != nil {
					return sctp.Message{}, err
				}
				return sctp.Message{}, errClosed
			}
		}
		m, data, err := s.take(ctx, conn, n)
		switch {
		case err == nil && data:
			return m, nil
		case err == nil:
			if controls++; controls >= maxControlRun && ctx.Err() != nil {
				return sctp.Message{}, ctx.Err()
			}
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return m, err
		case s.opt.Failover == FailoverManual:
			if f := s.necessary(n, err); f != nil {
				return m, f
			}
		default:
			if err := s.failover(ctx, n, err); err != nil {
				return m, err
			}
		}
	}
}

// pending returns what comes before the next message of the association.
func (s *Session) pending() (m sctp.Message, err error, ok bool) {
	switch {
	case s.closed:
		return m, s.err, true
	case len(s.backlog) > 0:
		m, s.backlog = s.backlog[0], s.backlog[1:]
		return m, nil, true
	case s.untold != nil:
		f := s.untold
		s.untold = nil
		return m, f, true
	case len(s.notices) > 0:
		err, s.notices = s.notices[0], s.notices[1:]
		return m, err, true
	case s.err != nil:
		return m, s.err, true
	}
	return m, nil, false
}

// take takes the next message from the n-th association. It says whether it is one of data; others are done with.
func (s *Session) take(ctx context.Context, conn *sctp.Conn, n int) (m sctp.Message, data bool, err error) {
	select {
	case s.reading <- struct{}{}:
	default:
		select {
		case s.reading <- struct{}{}:
		case <-ctx.Done():
			return m, false, ctx.Err()
		}
	}
	defer func() { <-s.reading }()
	m, err = conn.Recv(ctx)
	if err != nil {
		return m, false, err
	}
	s.mu.Lock()
	current := s.n == n
	if current {
		s.heard = time.Now()
	}
	s.mu.Unlock()
	// RFC 5352, Section 5: "ASAP messages belonging to the control channel MUST be sent using the PPID registered for
	// ASAP."
	if m.PPID != asap.PPID {
		return m, true, nil
	}
	if current {
		s.control(ctx, conn, m)
	}
	return m, false, nil
}

// Do sends a request and returns the answer, that is, the next message. If the element fails before it has answered, the
// next one is asked: an element may have carried the request out without having answered it, so it must be one that may
// be carried out twice. Only one Do at a time, and no Send and Recv besides.
//
// Errors: those of Send and Recv, but for *FailoverError and *CardNotice. With FailoverManual, what has brought a
// *FailoverNecessaryError must be repeated by the program.
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
			if _, ok := errors.AsType[*CardNotice](err); ok {
				continue
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
	close(s.moved)
	s.mu.Unlock()
	return conn.Close()
}
