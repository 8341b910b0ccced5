// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
)

// element registers an element that is not ours: the test accepts its associations.
func (w *world) element(i int, id uint32) *sctp.Listener {
	w.t.Helper()
	c := w.client(w.host(i), nil)
	l, err := c.Stack().Listen(5000)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { l.Close() })
	_, err = c.Register(w.ctx, Registration{Handle: "EchoPool", ID: id, Port: 5000})
	require.NoError(w.t, err)
	return l
}

// malformed are messages of ASAP that are none.
var malformed = map[string][]byte{
	"one byte":                 {0x0b},
	"header only":              {0x0b, 0, 0, 4},
	"length beyond the end":    {0x0b, 0, 0xff, 0xff, 0x80, 0x02, 0, 4},
	"length below the header":  {0x0b, 0, 0, 1},
	"parameter beyond the end": {0x0b, 0, 0, 8, 0x00, 0x0d, 0xff, 0xff},
	"two cookies":              {0x0b, 0, 0, 12, 0x00, 0x0d, 0, 4, 0x00, 0x0d, 0, 4},
	"card without a handle":    {0x0d, 0, 0, 4},
	"card without elements":    {0x0d, 0, 0, 12, 0x00, 0x09, 0, 8, 'P', 'o', 'o', 'l'},
	"unknown type, silent":     {0x3e, 0, 0, 4},
	"unknown type, report":     {0x7e, 0, 0, 4},
	"of a registrar":           {0x06, 0, 0, 12, 0x00, 0x09, 0, 8, 'P', 'o', 'o', 'l'},
	"garbage":                  bytes.Repeat([]byte{0xff}, 1000),
}

// Whatever an element sends on the control channel, the session goes on, and the messages of data come through.
func TestSessionSurvivesMalformedControlMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		l := w.element(2, 1)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{CardNotices: true})
		conn, err := l.Accept(w.ctx)
		require.NoError(t, err)
		for name, b := range malformed {
			require.NoError(t, conn.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: b}))
			require.NoError(t, conn.Send(w.ctx, text(name)))
			m, err := sess.Recv(w.ctx)
			require.NoError(t, err)
			require.Equal(t, name, string(m.Data))
			require.False(t, sess.HasCookie(), name)
			require.Nil(t, sess.BusinessCard(), name)
		}
		// A cookie is one on the control channel only.
		b, err := (&asap.Cookie{Cookie: []byte("x")}).AppendBinary(nil)
		require.NoError(t, err)
		require.NoError(t, conn.Send(w.ctx, sctp.Message{PPID: 12, Data: b}))
		m, err := sess.Recv(w.ctx)
		require.NoError(t, err)
		require.Equal(t, b, m.Data)
		require.False(t, sess.HasCookie())
	})
}

// RFC 5352, Section 2.2.14: "The ASAP_ERROR message is sent in response by an ASAP Endpoint receiving an unknown message or
// an unknown parameter to the sending ASAP Endpoint to report the problem or issue." But not without end.
func TestUnknownMessagesAreReportedAFewTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		l := w.element(2, 1)
		srv := echoes()
		w.serve(w.client(w.host(3), nil), srv)
		c := w.client(w.host(9), nil)
		sess := w.dial(c, "EchoPool", DialOptions{Prefer: &BusinessCard{Handle: "EchoPool", Elements: []Element{{ID: 1}}}})
		fromUser, err := l.Accept(w.ctx)
		require.NoError(t, err)
		go sess.Recv(w.ctx)
		for name, conn := range map[string]*sctp.Conn{"user": fromUser, "element": w.user(srv).conn} {
			for range 100 {
				require.NoError(t, conn.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: malformed["unknown type, report"]}))
			}
			limited, cancel := context.WithTimeout(w.ctx, 5*time.Second)
			defer cancel()
			n := 0
			for {
				m, err := conn.Recv(limited)
				if err != nil {
					break
				}
				msg, _, err := asap.Parse(m.Data)
				require.NoError(t, err)
				require.True(t, msg.(*asap.Error).Errors.Has(param.CauseUnrecognizedMessage))
				n++
			}
			require.Equal(t, maxReports, n, name)
		}
		require.NoError(t, sess.Close())
	})
}

// An element that sends cookies as fast as it can, and nothing else, does not keep Recv from returning in time, and the
// latest of them counts, however long it is.
func TestFloodOfCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		l := w.element(2, 1)
		heir := w.element(3, 2)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{
			FailoverTimeout: time.Second, Prefer: &BusinessCard{Handle: "EchoPool", Elements: []Element{{ID: 1}, {ID: 2}}},
		})
		conn, err := l.Accept(w.ctx)
		require.NoError(t, err)
		for i := range 3000 {
			c := binary.BigEndian.AppendUint32(nil, uint32(i))
			if i == 2999 {
				c = bytes.Repeat([]byte{9}, MaxCookie)
			}
			require.NoError(t, sendControl(w.ctx, conn, &asap.Cookie{Cookie: c}))
			if i%1000 == 999 {
				over, cancel := context.WithCancel(w.ctx)
				cancel()
				_, err := sess.Recv(over)
				require.ErrorIs(t, err, context.Canceled)
			}
		}
		require.NoError(t, conn.Shutdown(w.ctx))
		require.True(t, recvAs[*FailoverError](w, sess).CookieEchoed)
		next, err := heir.Accept(w.ctx)
		require.NoError(t, err)
		m, err := next.Recv(w.ctx)
		require.NoError(t, err)
		msg, _, err := asap.Parse(m.Data)
		require.NoError(t, err)
		require.Equal(t, bytes.Repeat([]byte{9}, MaxCookie), []byte(msg.(*asap.CookieEcho).Cookie))
	})
}

// Whatever a client sends on the control channel, the handler gets its messages of data.
func TestServerSurvivesMalformedControlMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		srv := echoes()
		c := w.client(w.host(2), nil)
		w.serve(c, srv)
		u := w.user(srv)
		for name, b := range malformed {
			require.NoError(t, u.conn.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: b}))
			require.NoError(t, u.conn.Send(w.ctx, text(name)))
			m := u.recv()
			for isControl(m) {
				m = u.recv()
			}
			require.Equal(t, name, string(m.Data))
		}
		links := 0
		c.do(func(time.Time) { links = len(c.links) })
		require.Equal(t, 1, links, "nobody takes the client for a registrar")
		for i := range 200 { // handles of pools that it claims to belong to
			u.control(&asap.BusinessCard{
				PoolHandle:   param.PoolHandle(binary.BigEndian.AppendUint32([]byte("claim"), uint32(i))),
				PoolElements: []param.PoolElement{srv.Registered().Element().param()},
			})
			u.control(&asap.Cookie{Cookie: make([]byte, 60000)})
			u.control(&asap.CookieEcho{Cookie: make([]byte, 60000)})
		}
		require.NoError(t, u.conn.Send(w.ctx, text("alive")))
		require.Equal(t, "alive", string(u.recv().Data))
		require.NoError(t, u.conn.Shutdown(w.ctx))
	})
}
