// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// A handler that speaks first learns at once what the client begins with, whatever comes on the control channel besides.
func TestOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		over := make(chan error, 1)
		srv := &Server{Handle: "Tell", SpeaksFirst: true, Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			start := time.Now()
			o, err := conn.Opening(ctx, time.Second)
			if err != nil {
				over <- err
				return
			}
			said := fmt.Sprintf("%d %q after %v", o, conn.CookieEcho(), time.Since(start).Round(100*time.Millisecond))
			if o == OpeningMessage {
				again, err := conn.Opening(ctx, time.Second)
				require.NoError(t, err)
				require.Equal(t, o, again, "the message is still there")
				m, err := conn.Recv(ctx)
				require.NoError(t, err)
				said += " " + string(m.Data)
			}
			conn.Send(ctx, text(said))
			conn.Recv(ctx)
		})}
		w.serve(w.client(w.host(2), nil), srv)

		u := w.user(srv)
		require.Equal(t, `3 "" after 1s`, string(u.recv().Data))
		u = w.user(srv)
		time.Sleep(300 * time.Millisecond)
		u.control(&asap.CookieEcho{Cookie: []byte("restore")})
		require.Equal(t, `2 "restore" after 300ms`, string(u.recv().Data))
		u = w.user(srv)
		card, err := (&BusinessCard{Handle: "Clients", Elements: []Element{srv.Registered().Element()}}).message()
		require.NoError(t, err)
		u.control(card)
		time.Sleep(500 * time.Millisecond)
		require.NoError(t, u.conn.Send(w.ctx, text("hello")))
		require.Equal(t, `1 "" after 500ms hello`, string(u.recv().Data))

		// Of a registrar there is nothing to begin, be it silent for as long as it likes.
		r := w.user(srv)
		r.control(&asap.EndpointKeepAlive{PoolHandle: param.PoolHandle("Tell"), ServerID: 7})
		time.Sleep(time.Hour)
		require.Empty(t, over)
		require.NoError(t, r.conn.Close())
		require.Error(t, <-over)
	})
}
