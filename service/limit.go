// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"math"
	"sync"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// minChange is by how much the load must have changed to be told. It is RSPLIB's.
const minChange = 0.01

// Limit lets a server serve at most max sessions at once: the association of one more is shut down at once, so that its
// user goes to another element. If the policy is adaptive, the registrar is told the part of max that is taken as the
// load, each time that it has changed by 0.01 or more. Limit replaces the Handler, and is called before Serve. Of the
// handlers of this package, an association counts when it is known to be a session's, not a registrar's.
func Limit(srv *pool.Server, max int) {
	l := &limiter{srv: srv, max: max}
	h := srv.Handler
	if b, ok := h.(beginner); ok {
		srv.Handler = limitedBeginner{l, b}
		return
	}
	srv.Handler = pool.HandlerFunc(func(ctx context.Context, conn *pool.ServerConn) {
		l.do(func() { h.ServeSession(ctx, conn) })
	})
}

// A beginner is a handler that can tell sessions from registrars.
type beginner interface {
	// begin waits until it is known that a session begins. It returns the first message if there is one.
	begin(ctx context.Context, conn *pool.ServerConn) (first *sctp.Message, ok bool)
	// serve serves the session.
	serve(ctx context.Context, conn *pool.ServerConn, first *sctp.Message)
}

type limitedBeginner struct {
	l *limiter
	b beginner
}

func (h limitedBeginner) ServeSession(ctx context.Context, conn *pool.ServerConn) {
	first, ok := h.b.begin(ctx, conn)
	if !ok || h.l.do(func() { h.b.serve(ctx, conn, first) }) {
		return
	}
	if r, ok := h.b.(refuser); ok {
		r.full(ctx, conn)
	}
}

// A refuser is a beginner whose protocol can say that there is no room for a session.
type refuser interface {
	full(ctx context.Context, conn *pool.ServerConn)
}

// serveBegun is ServeSession of a beginner without a limit.
func serveBegun(ctx context.Context, conn *pool.ServerConn, b beginner) {
	if first, ok := b.begin(ctx, conn); ok {
		b.serve(ctx, conn, first)
	}
}

type limiter struct {
	srv *pool.Server
	max int

	mu   sync.Mutex
	n    int
	load loadTeller
}

// A loadTeller tells the registrar the load of a server. It needs a lock around it.
type loadTeller struct{ told float64 }

// tell tells a load that has changed enough.
func (l *loadTeller) tell(srv *pool.Server, load float64) {
	if math.Abs(load-l.told) >= minChange && srv.SetLoad(load) == nil {
		l.told = load
	}
}

// do serves a session if there is room for it, and reports whether there was.
func (l *limiter) do(serve func()) bool {
	if !l.change(+1) {
		return false
	}
	defer l.change(-1)
	serve()
	return true
}

// change reports false, and does nothing, if there were too many sessions.
func (l *limiter) change(by int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n+by > l.max {
		return false
	}
	l.n += by
	l.load.tell(l.srv, float64(l.n)/float64(l.max))
	return true
}
