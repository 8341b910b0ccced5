// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/sctp"
)

// A failure is what made a session look for another element.
type failure struct {
	element Element
	err     error
	report  bool // as unreachable
}

func newFailure(e Element, err error) *failure { return &failure{e, err, !isGraceful(err)} }

// served is an association with an element.
type served struct {
	conn    *sctp.Conn
	element Element
	echoed  bool // it was given a cookie
}

// connect sets up an association with an element of the pool. After a failure it insists: elements may be about to
// register, and the registrar about to notice that others are gone.
func (s *Session) connect(ctx context.Context, after *failure) (served, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.ctx, func() { cancel(net.ErrClosed) })
	defer stop()

	var timeout <-chan time.Time
	tried := make(map[uint32]bool)
	if after != nil {
		if after.report {
			s.c.ReportUnreachable(ctx, s.handle, after.element.ID)
			after.report = false // once, also if the context ends before another one is found
		} else {
			s.c.drop(s.handle, after.element.ID)
		}
		tried[after.element.ID] = true
		if d := s.opt.FailoverTimeout; d > 0 {
			t := time.NewTimer(d)
			defer t.Stop()
			timeout = t.C
		}
	}
	var errs []error // of those that were tried
	for fresh := false; ; fresh = true {
		got, err := s.tryAll(ctx, fresh, tried, &errs)
		if err == nil {
			return got, nil
		}
		switch {
		case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
			return served{}, err
		case ctx.Err() != nil:
			return served{}, errors.Join(context.Cause(ctx), err)
		case errors.Is(err, ErrUnreachable) && !fresh:
			continue // the cache may be behind
		case after == nil:
			return served{}, err
		}
		clear(tried) // also the one that has failed: it may be back
		errs = nil
		t := time.NewTimer(s.opt.RetryDelay)
		select {
		case <-t.C:
		case <-timeout:
			t.Stop()
			return served{}, err
		case <-ctx.Done():
			t.Stop()
			return served{}, context.Cause(ctx)
		}
	}
}

// ErrUnreachable is matched by the error of a session if a registrar has named elements, and none of them could be
// reached.
var ErrUnreachable = errors.New("no element could be reached")

// tryAll resolves the handle and tries the elements that were not tried before.
func (s *Session) tryAll(ctx context.Context, fresh bool, tried map[uint32]bool, errs *[]error) (served, error) {
	card := s.preferred()
	if card != nil && !s.c.hasHome() { // it may be long before a registrar answers
		// What a registrar says of them later counts nevertheless, so that they are not noted as tried.
		if got, ok := s.try(ctx, card.order(nil, false), maps.Clone(tried), errs); ok {
			return got, nil
		}
	}
	o := agent.ResolveOptions{Fresh: fresh || s.opt.StaleCacheValue < 0, StaleCacheValue: s.opt.StaleCacheValue}
	elems, err := s.c.resolveWith(ctx, s.handle, o)
	if err != nil && (card == nil || ctx.Err() != nil) {
		return served{}, err
	}
	if len(elems) > 0 && elems[0].Addr() == nil {
		// RFC 5354, Section 3.12.8: all elements of a pool have transports of one type.
		return served{}, fmt.Errorf("pool %q is reached by %v, and sessions speak SCTP", s.handle, elems[0].Transport.Protocol)
	}
	all := err == nil && len(elems) < s.c.items()
	if got, ok := s.try(ctx, card.order(elems, all), tried, errs); ok {
		return got, nil
	}
	if err != nil {
		return served{}, err
	}
	return served{}, errors.Join(append([]error{fmt.Errorf("pool %q: %w", s.handle, ErrUnreachable)}, *errs...)...)
}

// try tries elements one after the other, but for those that were tried before.
func (s *Session) try(ctx context.Context, elems []Element, tried map[uint32]bool, errs *[]error) (served, bool) {
	for _, e := range elems {
		if tried[e.ID] || ctx.Err() != nil || e.Addr() == nil {
			continue
		}
		tried[e.ID] = true
		got, err := s.dial(ctx, e)
		if err == nil {
			return got, true
		}
		*errs = append(*errs, fmt.Errorf("element %s: %w", idString(e.ID), err))
		if ctx.Err() != nil {
			break
		}
		// RFC 5352, Section 6.9: "When the ASAP Endpoint in a PE or PU attempts to send a message to a PE and fails, the
		// failed sender will report the event as described in Section 3.5."
		s.c.ReportUnreachable(ctx, s.handle, e.ID)
	}
	return served{}, false
}

// preferred returns the business card by which elements are chosen, or nil.
func (s *Session) preferred() *BusinessCard {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range []*BusinessCard{s.card, s.opt.Prefer} {
		if c != nil && c.Handle == s.handle {
			return c
		}
	}
	return nil
}

// dial sets up an association with an element, and its control channel.
func (s *Session) dial(ctx context.Context, e Element) (served, error) {
	addr := e.Addr()
	addr.IPs = s.c.stack.Reachable(addr.IPs)
	limited, cancel := context.WithTimeout(ctx, s.opt.ConnectTimeout)
	defer cancel()
	conn, err := s.c.stack.Dial(limited, addr)
	if err != nil {
		return served{}, err
	}
	got := served{conn: conn, element: e}
	if !e.hasControl() {
		return got, nil
	}
	s.mu.Lock()
	cookie := s.cookie
	s.mu.Unlock()
	if cookie != nil {
		// RFC 5352, Section 3.8: "it SHOULD send the latest received cookie parameter in an ASAP_COOKIE_ECHO message to
		// the new PE as the first message on the control channel." An element that was restarted is new in this sense.
		err = sendControl(limited, conn, &asap.CookieEcho{Cookie: cookie})
		got.echoed = true
	}
	if s.opt.Card != nil && err == nil {
		// RFC 5352, Section 3.9: "A PU should send an ASAP_BUSINESS_CARD message to a PE only if it is part of a PU/PE
		// combination."
		var m *asap.BusinessCard
		if m, err = s.opt.Card.message(); err == nil {
			err = sendControl(limited, conn, m)
		}
	}
	if err != nil {
		conn.Abort("")
		return served{}, err
	}
	return got, nil
}
