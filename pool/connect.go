// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/sctp"
)

// A failure is what made a session look for another element.
type failure struct {
	element Element
	err     error
}

// connect sets up an association with an element of the pool. After a failure it insists: elements may be about to
// register, and the registrar about to notice that others are gone.
func (s *Session) connect(ctx context.Context, after *failure) (*sctp.Conn, Element, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.ctx, func() { cancel(net.ErrClosed) })
	defer stop()

	var timeout <-chan time.Time
	tried := make(map[uint32]bool)
	if after != nil {
		if isGraceful(after.err) {
			s.c.drop(s.handle, after.element.ID)
		} else {
			s.c.ReportUnreachable(ctx, s.handle, after.element.ID)
		}
		tried[after.element.ID] = true
		if d := s.c.cfg.FailoverTimeout; d > 0 {
			t := time.NewTimer(d)
			defer t.Stop()
			timeout = t.C
		}
	}
	for fresh := false; ; fresh = true {
		conn, e, err := s.tryAll(ctx, fresh, tried)
		if err == nil {
			return conn, e, nil
		}
		switch {
		case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
			return nil, Element{}, err
		case ctx.Err() != nil:
			return nil, Element{}, errors.Join(context.Cause(ctx), err)
		case errors.Is(err, ErrUnreachable) && !fresh:
			continue // the cache may be behind
		case after == nil:
			return nil, Element{}, err
		}
		clear(tried) // also the one that has failed: it may be back
		t := time.NewTimer(s.c.cfg.RetryDelay)
		select {
		case <-t.C:
		case <-timeout:
			t.Stop()
			return nil, Element{}, err
		case <-ctx.Done():
			t.Stop()
			return nil, Element{}, context.Cause(ctx)
		}
	}
}

// ErrUnreachable is matched by the error of a session if a registrar has named elements, and none of them could be
// reached.
var ErrUnreachable = errors.New("no element could be reached")

// tryAll resolves the handle and tries the elements that were not tried before.
func (s *Session) tryAll(ctx context.Context, fresh bool, tried map[uint32]bool) (*sctp.Conn, Element, error) {
	elems, err := s.c.resolve(ctx, s.handle, fresh)
	if err != nil {
		return nil, Element{}, err
	}
	errs := []error{fmt.Errorf("pool %q: %w", s.handle, ErrUnreachable)}
	for _, e := range elems {
		if tried[e.ID] {
			continue
		}
		tried[e.ID] = true
		conn, err := s.dial(ctx, e)
		if err == nil {
			return conn, e, nil
		}
		errs = append(errs, fmt.Errorf("element %s: %w", idString(e.ID), err))
		if ctx.Err() != nil {
			break
		}
		// RFC 5352, Section 6.9: "When the ASAP Endpoint in a PE or PU attempts to send a message to a PE and fails, the
		// failed sender will report the event as described in Section 3.5."
		s.c.ReportUnreachable(ctx, s.handle, e.ID)
	}
	return nil, Element{}, errors.Join(errs...)
}

// dial sets up an association with an element.
func (s *Session) dial(ctx context.Context, e Element) (*sctp.Conn, error) {
	addr := e.Addr()
	if addr == nil {
		return nil, fmt.Errorf("it is reached by %v, not by SCTP", e.Transport.Protocol)
	}
	addr.IPs = s.c.reachable(addr.IPs)
	limited, cancel := context.WithTimeout(ctx, s.c.cfg.ConnectTimeout)
	defer cancel()
	conn, err := s.c.stack.Dial(limited, addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	cookie := s.cookie
	s.mu.Unlock()
	if cookie == nil {
		return conn, nil
	}
	// RFC 5352, Section 3.8: "it SHOULD send the latest received cookie parameter in an ASAP_COOKIE_ECHO message to the
	// new PE as the first message on the control channel."
	b, err := (&asap.CookieEcho{Cookie: cookie}).AppendBinary(nil)
	if err == nil {
		err = conn.Send(limited, sctp.Message{PPID: asap.PPID, Data: b})
	}
	if err != nil {
		conn.Abort("")
		return nil, err
	}
	return conn, nil
}
