// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// Registrars set up associations to the port of an element, to take it over, and begin with a keep-alive. A user of
// chargen or daytime never says anything, and one that comes from another element may bring a cookie and nothing else.
// pool.ServerConn takes all of that for itself, so who waits must look now and then.
const (
	// lookFirst is how often at first, lookLast in the end: associations over which nothing comes cost something.
	lookFirst = 10 * time.Millisecond
	lookLast  = time.Second
	// silence is after how long without a word an association is taken for that of a user who only listens. The
	// keep-alive of a registrar is in the packet that completes the association, or in the next one.
	silence = 100 * time.Millisecond
)

// An opening is what an association begins with.
type opening int

const (
	ended   opening = iota // it is over, or the server drains
	message                // with a message
	cookie                 // with a cookie, which CookieEcho returns
	nothing                // with nothing, in time
)

// open waits for the beginning of a session, at most for patience if that is positive. It does not return for a
// registrar before the end.
func open(ctx context.Context, conn *pool.ServerConn, patience time.Duration) (opening, *sctp.Message) {
	start := time.Now()
	registrar := false
	for wait := lookFirst; ; wait = min(2*wait, lookLast) {
		// What has been received before Recv is called has been seen when it returns.
		heard := conn.Conn().Stats().MessagesReceived > 0
		if patience > 0 {
			wait = min(wait, lookFirst)
		}
		m, err := look(ctx, conn, wait, registrar)
		switch {
		case err == nil:
			return message, &m
		case conn.CookieEcho() != nil:
			return cookie, nil
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return ended, nil
		}
		registrar = registrar || heard
		if patience > 0 && !registrar && time.Since(start) >= patience {
			return nothing, nil
		}
	}
}

// look is Recv that returns after a while, unless it is a registrar's association, which tells nothing more.
func look(ctx context.Context, conn *pool.ServerConn, wait time.Duration, registrar bool) (sctp.Message, error) {
	if !registrar {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	return conn.Recv(ctx)
}

// refuse ends a session because of what the client has sent.
func refuse(log *slog.Logger, conn *pool.ServerConn, err error) {
	if log != nil {
		log.Warn("session refused", "client", conn.RemoteAddr().String(), "error", err)
	}
	conn.Conn().Abort(err.Error())
}

// sendTimeout is how long a client may take nothing that is sent to it. It holds a session meanwhile.
const sendTimeout = 30 * time.Second

// answering is the context of what is sent. That the server drains is no reason not to.
func answering(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
}

// reply sends an answer.
func reply(ctx context.Context, conn *pool.ServerConn, m sctp.Message) error {
	ctx, cancel := answering(ctx)
	defer cancel()
	return conn.Send(ctx, m)
}

// giveCookie sends a cookie.
func giveCookie(ctx context.Context, conn *pool.ServerConn, b []byte) error {
	ctx, cancel := answering(ctx)
	defer cancel()
	return conn.SendCookie(ctx, b)
}
