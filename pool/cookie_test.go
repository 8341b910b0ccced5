// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/sctp"
)

// A user is a pool user that is not ours: an association with an element.
type user struct {
	w    *world
	conn *sctp.Conn
}

func (w *world) user(to *Server) *user {
	w.t.Helper()
	w.users++
	s := w.stack(w.host(100 + w.users))
	w.t.Cleanup(func() { s.Close() })
	conn, err := s.Dial(w.ctx, to.Registered().Element().Addr())
	require.NoError(w.t, err)
	return &user{w, conn}
}

func (u *user) control(m asap.Message) { require.NoError(u.w.t, sendControl(u.w.ctx, u.conn, m)) }

// recv returns the next message and when it came.
func (u *user) recv() sctp.Message {
	u.w.t.Helper()
	m, err := u.conn.Recv(u.w.ctx)
	require.NoError(u.w.t, err)
	return m
}

func (u *user) recvCookie() string {
	u.w.t.Helper()
	for {
		if m := u.recv(); isControl(m) {
			msg, _, err := asap.Parse(m.Data)
			require.NoError(u.w.t, err)
			return string(msg.(*asap.Cookie).Cookie)
		}
	}
}

// counting keeps a cookie with the number of messages, and answers with it.
var counting = HandlerFunc(func(ctx context.Context, conn *ServerConn) {
	for n := 1; ; n++ {
		m, err := conn.Recv(ctx)
		if err != nil {
			return
		}
		conn.KeepCookie(ctx, fmt.Append(nil, n))
		conn.Send(ctx, sctp.Message{Data: fmt.Appendf(nil, "%d %s", n, m.Data)})
	}
})

// RFC 5352, Section 3.8: "Whenever a PE wants, and a control channel exists, it can send an ASAP_COOKIE message to a PU via
// the control channel."
func TestCookiesAreKeptNowAndThen(t *testing.T) {
	for name, tt := range map[string]struct {
		policy CookiePolicy
		want   []string      // the cookies of ten messages
		after  time.Duration // the last of them
	}{
		"interval": {CookiePolicy{Interval: 3 * time.Second}, []string{"1", "10"}, 3 * time.Second},
		"default":  {CookiePolicy{}, []string{"1", "10"}, time.Second},
		"messages": {CookiePolicy{Interval: -1, Messages: 6}, []string{"1", "4", "7", "10"}, 0},
		"bytes":    {CookiePolicy{Interval: -1, Bytes: 60}, []string{"1", "7"}, 0},
		"each":     {CookiePolicy{Messages: 1}, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.registrar(w.host(1), 1)
				srv := &Server{Handle: "Count", Handler: counting, Cookies: tt.policy}
				w.serve(w.client(w.host(2), nil), srv)
				u := w.user(srv)
				start := time.Now()
				var cookies []string
				for range 10 {
					require.NoError(t, u.conn.Send(w.ctx, text("1234")))
					for {
						m := u.recv()
						if !isControl(m) {
							break
						}
						msg, _, err := asap.Parse(m.Data)
						require.NoError(t, err)
						cookies = append(cookies, string(msg.(*asap.Cookie).Cookie))
					}
				}
				require.Less(t, time.Since(start), 100*time.Millisecond)
				if len(cookies) < len(tt.want) {
					cookies = append(cookies, u.recvCookie())
				}
				require.Equal(t, tt.want, cookies)
				require.InDelta(t, tt.after.Seconds(), time.Since(start).Seconds(), 0.1)
				require.NoError(t, u.conn.Shutdown(w.ctx))
			})
		})
	}
}

// An element that leaves gives its clients the last state of their sessions.
func TestTheLastCookieIsSentBeforeTheElementLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		srv := &Server{Handle: "Count", Handler: counting, Cookies: CookiePolicy{Interval: time.Hour}}
		el := w.serve(w.client(w.host(2), nil), srv)
		u := w.user(srv)
		for range 5 {
			require.NoError(t, u.conn.Send(w.ctx, text("x")))
		}
		require.Equal(t, "1", u.recvCookie())
		<-time.After(time.Second)
		require.NoError(t, el.stop())
		require.Equal(t, "5", u.recvCookie())
		_, err := u.conn.Recv(w.ctx)
		require.ErrorIs(t, err, io.EOF)
	})
}

// RFC 5352, Section 3.8: "Therefore, a cookie should be signed by the sending PE ASAP Endpoint and the cookie should be
// verified by the receiving PE's ASAP Endpoint."
func TestCookiesAreSignedAndVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		tell := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			conn.SendCookie(ctx, []byte("state"))
			for m, err := conn.Recv(ctx); err == nil; m, err = conn.Recv(ctx) {
				conn.Send(ctx, text(fmt.Sprintf("%s %q", m.Data, conn.CookieEcho())))
			}
		})
		old := &Server{Handle: "Signed", Handler: tell, CookieKeys: [][]byte{[]byte("old key")}}
		w.serve(w.client(w.host(2), nil), old)
		srv := &Server{Handle: "Signed", Handler: tell, CookieKeys: [][]byte{[]byte("new key"), []byte("old key")}}
		w.serve(w.client(w.host(3), nil), srv)
		other := &Server{Handle: "Other", Handler: tell, CookieKeys: [][]byte{[]byte("old key")}}
		w.serve(w.client(w.host(4), nil), other)

		u := w.user(old)
		require.NoError(t, u.conn.Send(w.ctx, text("x")))
		signed := u.recvCookie()
		require.Len(t, signed, len("state")+32)
		ask := func(srv *Server, cookie string) string {
			v := w.user(srv)
			v.control(&asap.CookieEcho{Cookie: []byte(cookie)})
			require.NoError(t, v.conn.Send(w.ctx, text("x")))
			for {
				if m := v.recv(); !isControl(m) {
					return string(m.Data)
				}
			}
		}
		require.Equal(t, `x "state"`, ask(old, signed))
		require.Equal(t, `x "state"`, ask(srv, signed), "the key before the new one")
		require.Equal(t, `x ""`, ask(other, signed), "a cookie of another pool")
		for i := range signed {
			wrong := []byte(signed)
			wrong[i] ^= 1
			require.Equal(t, `x ""`, ask(srv, string(wrong)), "byte %d", i)
		}
		for _, n := range []int{0, 1, 31, 32, 36} {
			require.Equal(t, `x ""`, ask(srv, signed[:n]), "the first %d bytes", n)
		}
	})
}

// RFC 5352, Section 3.8: "as the first message on the control channel." One in the middle of a session changes nothing, and
// ends nothing.
func TestOnlyTheFirstCookieEchoCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		srv := &Server{Handle: "Tell", Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			for m, err := conn.Recv(ctx); err == nil; m, err = conn.Recv(ctx) {
				conn.Send(ctx, text(fmt.Sprintf("%s %q", m.Data, conn.CookieEcho())))
			}
		})}
		w.serve(w.client(w.host(2), nil), srv)
		u := w.user(srv)
		u.control(&asap.CookieEcho{Cookie: []byte("first")})
		for i := range 3 {
			require.NoError(t, u.conn.Send(w.ctx, text(fmt.Sprint(i))))
			require.Equal(t, fmt.Sprintf(`%d "first"`, i), string(u.recv().Data))
			u.control(&asap.CookieEcho{Cookie: []byte("again")})
		}
		// Messages of data may overtake it, on other streams than 0.
		u = w.user(srv)
		require.NoError(t, u.conn.Send(w.ctx, sctp.Message{Stream: 1, Data: []byte("x")}))
		require.Equal(t, `x ""`, string(u.recv().Data))
		u.control(&asap.CookieEcho{Cookie: []byte("late")})
		require.NoError(t, u.conn.Send(w.ctx, sctp.Message{Stream: 1, Data: []byte("y")}))
		require.Equal(t, `y "late"`, string(u.recv().Data))
	})
}

func TestLengthOfACookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		result := make(chan error, 4)
		srv := &Server{Handle: "Long", CookieKeys: [][]byte{{1}}, Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			result <- conn.SendCookie(ctx, make([]byte, MaxCookie-31))
			result <- conn.KeepCookie(ctx, make([]byte, MaxCookie-31))
			result <- conn.SendCookie(ctx, bytes.Repeat([]byte{7}, MaxCookie-32))
			conn.Send(ctx, text("x"))
			conn.Recv(ctx)
		})}
		f := w.fleet(2, func() *Server { return &Server{Handle: srv.Handle, Handler: srv.Handler, CookieKeys: srv.CookieKeys} })
		_ = f
		c := w.client(w.host(9), nil)
		for limit, kept := range map[int]bool{0: true, MaxCookie: true, MaxCookie - 1: false, -1: false} {
			sess := w.dial(c, "Long", DialOptions{MaxCookie: limit})
			_, err := sess.Do(w.ctx, text("x"))
			require.NoError(t, err)
			require.ErrorContains(t, <-result, "cookie of 65493 bytes is longer than 65492")
			require.ErrorContains(t, <-result, "longer than 65492")
			require.NoError(t, <-result)
			require.Equal(t, kept, sess.HasCookie(), "limit %d", limit)
			require.NoError(t, sess.ForceFailover(w.ctx, Force{}))
			require.Equal(t, kept, recvAs[*FailoverError](w, sess).CookieEchoed)
			sess.Close()
		}
	})
}

func TestCookiePolicyIsChecked(t *testing.T) {
	srv := &Server{Handle: "x", Handler: Echo, Cookies: CookiePolicy{Interval: -1}}
	require.ErrorContains(t, srv.Serve(t.Context(), nil), "no cookie would ever be sent")
}
