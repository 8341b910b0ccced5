// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// Discard is a pool.Handler that receives messages and does nothing with them.
type Discard struct{}

// ServeSession implements pool.Handler.
func (Discard) ServeSession(ctx context.Context, conn *pool.ServerConn) {
	for {
		if _, err := conn.Recv(ctx); err != nil {
			return
		}
	}
}

// DaytimeLayout is how Daytime writes the time, for package time: that of RSPLIB, with microseconds.
const DaytimeLayout = "Monday, 02-January-2006 15:04:05.000000\n"

// Daytime is a pool.Handler that sends one message with the local date and time, in DaytimeLayout, and ends the session. It
// needs pool.Server.SpeaksFirst. Since a registrar's association must not be ended, and looks the same until something comes
// over it, the message is sent when the client has said something, or after 100 ms.
type Daytime struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// ServeSession implements pool.Handler.
func (d Daytime) ServeSession(ctx context.Context, conn *pool.ServerConn) { serveBegun(ctx, conn, d) }

func (Daytime) begin(ctx context.Context, conn *pool.ServerConn) (*sctp.Message, bool) {
	return open(ctx, conn, silence)
}

func (d Daytime) serve(ctx context.Context, conn *pool.ServerConn, _ *sctp.Message) {
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	_ = reply(ctx, conn, sctp.Message{Data: []byte(now().Format(DaytimeLayout))})
}

// CharGen is a pool.Handler that sends messages of 1024 bytes until the client leaves: byte i is 30 + i mod 98, as in RSPLIB.
// It needs pool.Server.SpeaksFirst, and begins as Daytime does.
type CharGen struct{}

// ServeSession implements pool.Handler.
func (c CharGen) ServeSession(ctx context.Context, conn *pool.ServerConn) { serveBegun(ctx, conn, c) }

func (CharGen) begin(ctx context.Context, conn *pool.ServerConn) (*sctp.Message, bool) {
	return open(ctx, conn, silence)
}

func (CharGen) serve(ctx context.Context, conn *pool.ServerConn, _ *sctp.Message) {
	line := make([]byte, 1024)
	for i := range line {
		line[i] = byte(30 + i%98)
	}
	for conn.Send(ctx, sctp.Message{Data: line}) == nil {
	}
}
