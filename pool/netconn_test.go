// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/rserpool/rserpool/sctp"
)

// A pipe is a session as a net.Conn, until its handler is to return: what was not read by then is lost.
type pipe struct {
	net.Conn
	over chan struct{}
}

type pipes chan pipe

func (p pipes) ServeSession(ctx context.Context, conn *ServerConn) {
	x := pipe{conn.NetConn(NetConnConfig{Stream: 3}), make(chan struct{})}
	p <- x
	<-x.over
}

func TestNetConnIsANetConn(t *testing.T) {
	w := newWorld(t)
	w.registrar(w.host(1), 1)
	p := make(pipes, 1)
	w.serve(w.client(w.host(2), nil), &Server{Handle: "Pipes", Handler: p, SpeaksFirst: true})
	c := w.client(w.host(9), nil)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		sess, err := c.Dial(w.ctx, "Pipes")
		if err != nil {
			return nil, nil, nil, err
		}
		c1 = sess.NetConn(NetConnConfig{Stream: 7})
		x := <-p
		return c1, x, func() {
			sess.Close()
			close(x.over)
		}, nil
	})
}

// A stream of bytes ends with its element, and says so. The next one begins with the next element.
func TestNetConnEndsWithItsElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		f := w.fleet(2, func() *Server {
			return &Server{Handle: "Upper", Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
				nc := conn.NetConn(NetConnConfig{})
				conn.SendCookie(ctx, []byte("state"))
				buf := make([]byte, 4)
				for {
					n, err := io.ReadFull(nc, buf)
					if err != nil {
						return
					}
					nc.Write(append(conn.CookieEcho(), bytes.ToUpper(buf[:n])...))
				}
			})}
		})
		sess := w.dial(w.client(w.host(9), nil), "Upper", DialOptions{})
		first := sess.Element()
		nc := sess.NetConn(NetConnConfig{})
		nc.Write([]byte("ab"))
		nc.Write([]byte("cd"))
		buf := make([]byte, 2)
		for _, want := range []string{"AB", "CD"} { // what one Write has sent can be read in parts
			_, err := io.ReadFull(nc, buf)
			require.NoError(t, err)
			require.Equal(t, want, string(buf))
		}
		_, err := nc.Write([]byte("last"))
		require.NoError(t, err)
		<-time.After(10 * time.Millisecond)
		f.kill(first.ID)
		go nc.Write([]byte("x")) // so that the failure is found
		rest, err := io.ReadAll(nc)
		require.Equal(t, "LAST", string(rest), "all that has arrived")
		necessary, ok := errors.AsType[*FailoverNecessaryError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, first.ID, necessary.From.ID)
		require.True(t, necessary.HasCookie, "it has come on the control channel")
		_, ok = errors.AsType[*sctp.LostError](err)
		require.True(t, ok, "%v", err)
		_, err = nc.Write([]byte("x"))
		require.ErrorIs(t, err, ErrElementFailed)

		require.NoError(t, sess.Failover(w.ctx))
		next := sess.NetConn(NetConnConfig{})
		_, err = nc.Read(buf)
		require.ErrorIs(t, err, ErrElementFailed, "the old one stays as it is")
		require.NoError(t, nc.Close(), "which does not close the session")
		require.ErrorIs(t, nc.Close(), net.ErrClosed)
		_, err = next.Write([]byte("next"))
		require.NoError(t, err)
		all := make([]byte, len("stateNEXT"))
		_, err = io.ReadFull(next, all)
		require.NoError(t, err)
		require.Equal(t, "stateNEXT", string(all))

		// The other one leaves in order: that is the end of the stream.
		require.NoError(t, f.running[sess.Element().ID-1].stop())
		_, err = next.Read(buf)
		require.Equal(t, io.EOF, err)
		_, err = next.Write(buf)
		require.ErrorIs(t, err, ErrElementFailed)
		require.NoError(t, next.Close())
		require.ErrorIs(t, sess.Send(w.ctx, text("x")), net.ErrClosed)
	})
}

// Errors that are about one Write do not end the stream.
func TestNetConnErrorsThatDoNotLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		w.fleet(1, echoes)
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{})
		nc := sess.NetConn(NetConnConfig{PPID: 11})
		_, err := nc.Write([]byte("x"))
		require.ErrorIs(t, err, ErrReservedPPID)
		_, err = sess.NetConn(NetConnConfig{Stream: 60000}).Write([]byte("x"))
		require.ErrorIs(t, err, sctp.ErrInvalidStream)
		n, err := nc.Write(nil)
		require.NoError(t, err)
		require.Zero(t, n)
		require.NoError(t, nc.SetReadDeadline(time.Now().Add(time.Second)))
		_, err = nc.Read(make([]byte, 1))
		require.Equal(t, os.ErrDeadlineExceeded, err)
		require.Equal(t, "sctp", nc.RemoteAddr().Network())
		require.NotNil(t, nc.LocalAddr())
		require.NoError(t, nc.Close())
		require.ErrorIs(t, nc.SetDeadline(time.Time{}), net.ErrClosed)
	})
}
