// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// silence is after how long without a word an association is taken for that of a user who only listens. The keep-alive
// of a registrar is in the packet that completes the association, or in the next one.
const silence = 100 * time.Millisecond

// open waits for the beginning of a session, as pool.ServerConn.Opening does, and takes the first message if it is one.
// It fails when the session is over, or the server drains.
func open(ctx context.Context, conn *pool.ServerConn, patience time.Duration) (*sctp.Message, bool) {
	o, err := conn.Opening(ctx, patience)
	if err != nil {
		return nil, false
	}
	if o != pool.OpeningMessage {
		return nil, true
	}
	m, err := conn.Recv(ctx)
	return &m, err == nil
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
