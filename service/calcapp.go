// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/calcapp"
)

// CalcApp is a pool.Handler that takes the time which the jobs of all its sessions need, or what is left of those that a
// cookie says: see package calcapp. It needs pool.Server.SpeaksFirst, because a session that comes from another element
// begins with a cookie alone. Who sends anything else is aborted, and told why. When the server drains, clients get cookies
// for the rest of their jobs.
type CalcApp struct {
	log *slog.Logger
	c   *calculations
}

// A CalcAppConfig is that of a CalcApp.
type CalcAppConfig struct {
	// ElementConfig says what the element can do, and when cookies and keep-alives are sent.
	calcapp.ElementConfig
	// Log receives what clients do wrong (Warn). Default: nothing is logged.
	Log *slog.Logger
}

// NewCalcApp returns a handler for a server, and sets neither it nor SpeaksFirst. If the policy of the server is adaptive,
// the registrar is told the part of MaxJobs that is taken as the load, each time that it has changed by 0.01 or more.
func NewCalcApp(srv *pool.Server, cfg CalcAppConfig) (*CalcApp, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return &CalcApp{log: cfg.Log, c: newCalculations(srv, cfg.ElementConfig)}, nil
}

func configureCalcApp(srv *pool.Server, max int, log *slog.Logger) error {
	h, err := NewCalcApp(srv, CalcAppConfig{ElementConfig: calcapp.ElementConfig{MaxJobs: max}, Log: log})
	if err == nil {
		srv.Handler = h
	}
	return err
}

// Stats returns what was done until now.
func (h *CalcApp) Stats() calcapp.ElementStats {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.c.element.Stats()
}

// ServeSession implements pool.Handler.
func (h *CalcApp) ServeSession(ctx context.Context, conn *pool.ServerConn) {
	first, ok := open(ctx, conn, 0)
	if !ok {
		return
	}
	s := h.c.begin()
	defer h.c.end(s)
	over := make(chan error, 1)
	go func() { over <- h.read(ctx, conn, s, first) }()
	for {
		select {
		case <-s.wake:
			if !s.flush(ctx, conn) {
				conn.Conn().Abort("what was sent is not taken")
				<-over
				return
			}
		case err := <-over:
			if err != nil {
				refuse(h.log, conn, err)
				return
			}
			if ctx.Err() != nil {
				h.c.drain(s)
				s.flush(ctx, conn)
			}
			return
		}
	}
}

// read handles what the client sends, until the session ends or the server drains. It returns what the client does wrong.
func (h *CalcApp) read(ctx context.Context, conn *pool.ServerConn, s *calcSession, m *sctp.Message) error {
	if c := conn.CookieEcho(); c != nil {
		cookie, err := calcapp.ParseCookie(c)
		if err != nil {
			return err
		}
		err = h.c.step(func(e *calcapp.Element, now time.Time) error { return e.HandleCookie(now, s.id, cookie) })
		if err != nil || !s.flush(ctx, conn) {
			return err
		}
	}
	for {
		if m == nil {
			got, err := conn.Recv(ctx)
			if err != nil {
				return nil
			}
			m = &got
		}
		msg, err := parseCalcApp(m)
		if err != nil {
			return err
		}
		m = nil
		err = h.c.step(func(e *calcapp.Element, now time.Time) error { return e.HandleMessage(now, s.id, msg) })
		if err != nil || !s.flush(ctx, conn) { // so that who does not take the answers is not read
			return err
		}
	}
}

func parseCalcApp(m *sctp.Message) (calcapp.Message, error) {
	if m.PPID != calcapp.PPID {
		return calcapp.Message{}, fmt.Errorf("calcapp: a message with PPID %d, not %d", m.PPID, calcapp.PPID)
	}
	return calcapp.Parse(m.Data)
}
