// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/fractal"
)

// Fractal is a pool.Handler that computes the images that are asked for, or the rest of those that a cookie says. It
// needs pool.Server.SpeaksFirst, because a session that comes from another element begins with a cookie alone. Who sends
// anything else is aborted, and told why. When the server drains, the client gets a cookie for the rest.
type Fractal struct {
	// Log receives what clients do wrong (Warn). Default: nothing is logged.
	Log *slog.Logger
	// DataMaxTime is how long points are collected for a message that is not full. Default: 1 s.
	DataMaxTime time.Duration
	// CookieMaxTime and CookieMaxPackets are after how long, and after how many messages, there is a cookie again. The
	// first one comes at the start. Default: 1 s, 10.
	CookieMaxTime    time.Duration
	CookieMaxPackets int
}

// The defaults are RSPLIB's.
const (
	defaultDataMaxTime      = time.Second
	defaultCookieMaxTime    = time.Second
	defaultCookieMaxPackets = 10
)

// ServeSession implements pool.Handler.
func (f Fractal) ServeSession(ctx context.Context, conn *pool.ServerConn) { serveBegun(ctx, conn, f) }

func (Fractal) begin(ctx context.Context, conn *pool.ServerConn) (*sctp.Message, bool) {
	return open(ctx, conn, 0)
}

func (f Fractal) serve(ctx context.Context, conn *pool.ServerConn, first *sctp.Message) {
	if err := f.answer(ctx, conn, first); err != nil {
		refuse(f.Log, conn, err)
	}
}

// answer returns what the client does wrong.
func (f Fractal) answer(ctx context.Context, conn *pool.ServerConn, m *sctp.Message) error {
	if c := conn.CookieEcho(); c != nil {
		at, err := fractal.ParseCookie(c)
		if err != nil {
			return err
		}
		if !f.compute(ctx, conn, at) {
			return nil
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
		p, err := parseParameter(m)
		if err != nil {
			return err
		}
		m = nil
		if !f.compute(ctx, conn, &fractal.Cookie{Parameter: *p}) {
			return nil
		}
	}
}

func parseParameter(m *sctp.Message) (*fractal.Parameter, error) {
	if m.PPID != fractal.PPID {
		return nil, fmt.Errorf("fractal: a message with PPID %d, not %d", m.PPID, fractal.PPID)
	}
	msg, err := fractal.Parse(m.Data)
	if err != nil {
		return nil, err
	}
	p, ok := msg.(*fractal.Parameter)
	if !ok {
		return nil, fmt.Errorf("fractal: data where a parameter was expected")
	}
	return p, nil
}
