// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/pingpong"
)

// PingPong is a pool.Handler that answers each Ping with a Pong and a cookie. It needs pool.Server.SpeaksFirst, because a
// session that comes from another element may begin with a cookie alone. Who sends anything else is aborted, and told why.
type PingPong struct {
	// Log receives what clients do wrong (Warn). Default: nothing is logged.
	Log *slog.Logger
}

// ServeSession implements pool.Handler.
func (p PingPong) ServeSession(ctx context.Context, conn *pool.ServerConn) { serveBegun(ctx, conn, p) }

func (PingPong) begin(ctx context.Context, conn *pool.ServerConn) (*sctp.Message, bool) {
	return open(ctx, conn, 0)
}

func (p PingPong) serve(ctx context.Context, conn *pool.ServerConn, first *sctp.Message) {
	if err := p.answer(ctx, conn, first); err != nil {
		refuse(p.Log, conn, err)
	}
}

// answer returns what the client does wrong.
func (PingPong) answer(ctx context.Context, conn *pool.ServerConn, m *sctp.Message) error {
	next := pingpong.Cookie{ReplyNo: 1}
	if c := conn.CookieEcho(); c != nil {
		var err error
		if next, err = pingpong.ParseCookie(c); err != nil {
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
		ping, err := parsePing(m)
		if err != nil {
			return err
		}
		m = nil
		pong := pingpong.Pong{MessageNo: ping.MessageNo, ReplyNo: next.ReplyNo, Data: ping.Data}
		b, err := pong.AppendBinary(nil)
		if err != nil {
			return err
		}
		if reply(ctx, conn, sctp.Message{PPID: pingpong.PPID, Data: b}) != nil {
			return nil
		}
		next.ReplyNo++
		if b, err = next.AppendBinary(nil); err != nil {
			return err
		}
		if giveCookie(ctx, conn, b) != nil {
			return nil
		}
	}
}

func parsePing(m *sctp.Message) (*pingpong.Ping, error) {
	if m.PPID != pingpong.PPID {
		return nil, fmt.Errorf("pingpong: a message with PPID %d, not %d", m.PPID, pingpong.PPID)
	}
	msg, err := pingpong.Parse(m.Data)
	if err != nil {
		return nil, err
	}
	ping, ok := msg.(*pingpong.Ping)
	if !ok {
		return nil, fmt.Errorf("pingpong: a pong where a ping was expected")
	}
	return ping, nil
}
