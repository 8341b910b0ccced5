// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
)

// Sessions returns how many sessions are being served.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// begin enters a session, unless there are too many.
func (s *Server) begin(sc *ServerConn) bool {
	s.mu.Lock()
	full := s.MaxSessions > 0 && len(s.sessions) >= s.MaxSessions
	if !full {
		if s.sessions == nil {
			s.sessions = make(map[*ServerConn]struct{})
		}
		s.sessions[sc] = struct{}{}
	}
	card := s.card
	s.mu.Unlock()
	switch {
	case full:
		sc.log(slog.LevelWarn, "session refused", "limit", s.MaxSessions)
		return false
	case card != nil:
		sc.c.work.Go(func() { sc.offer(card) })
	case s.Cards:
		sc.c.work.Go(func() { sc.offer(s.others(sc.c)) })
	}
	return true
}

// finish ends a session whose handler has returned.
func (s *Server) finish(sc *ServerConn) {
	sc.endCookies()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sc)
	if len(s.sessions) == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// linger waits until the sessions that exist have ended, or had their time.
func (s *Server) linger(c *Client) {
	s.mu.Lock()
	if s.Linger <= 0 || len(s.sessions) == 0 {
		s.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	s.idle = idle
	s.mu.Unlock()
	t := time.NewTimer(s.Linger)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
	case <-c.ctx.Done():
	}
}

// SetBusinessCard sets the failover order that clients are recommended, those of the sessions that exist as well as those
// to come: the elements of the pool to turn to when this one fails, the best one first (RFC 5352, Section 3.9). Without
// any, nothing is recommended to those to come.
func (s *Server) SetBusinessCard(order ...Element) error {
	var card *BusinessCard
	if len(order) > 0 {
		card = &BusinessCard{Handle: s.Handle, Elements: slices.Clone(order)}
		if _, err := card.encode(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.card = card
	for sc := range s.sessions {
		if card != nil {
			sc.c.work.Go(func() { sc.offer(card) })
		}
	}
	return nil
}

// others returns the card with the other elements of the pool, or with this one if it is alone.
func (s *Server) others(c *Client) *BusinessCard {
	elems, err := c.resolveWith(c.ctx, s.Handle, agent.ResolveOptions{})
	reg := s.Registered()
	if reg == nil {
		return nil
	}
	if err == nil {
		elems = slices.DeleteFunc(elems, func(e Element) bool { return e.ID == reg.ID() })
	}
	if len(elems) == 0 {
		elems = []Element{reg.Element()}
	}
	return &BusinessCard{Handle: s.Handle, Elements: elems}
}

// offer sends a card. A client that does not take it in time has to do without.
func (s *ServerConn) offer(card *BusinessCard) {
	ctx, cancel := context.WithTimeout(s.c.ctx, controlTimeout)
	defer cancel()
	if card == nil {
		return
	}
	if err := s.SendCard(ctx, *card); err != nil {
		s.log(slog.LevelDebug, "business card not sent", "error", err)
	}
}
