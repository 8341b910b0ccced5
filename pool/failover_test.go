// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/sctp"
)

// An element that leaves in order has answered what it has received, and is not reported as unreachable.
func TestSessionSurvivesGracefulEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		running := map[uint32]*running{0xa: w.echo(w.host(2), 0xa, nil), 0xb: w.echo(w.host(3), 0xb, nil)}
		c := w.client(w.host(9), nil)
		sess, err := c.Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		defer sess.Close()
		require.NoError(t, sess.Send(w.ctx, text("one")))
		m, err := sess.Recv(w.ctx)
		require.NoError(t, err)
		require.Equal(t, "one", string(m.Data))

		first := sess.Element().ID
		start := time.Now()
		require.NoError(t, running[first].stop())
		require.Less(t, time.Since(start), 2*time.Second)
		_, err = sess.Recv(w.ctx)
		f, ok := errors.AsType[*FailoverError](err)
		require.True(t, ok, "%v", err)
		require.ErrorIs(t, f, io.EOF)
		require.True(t, f.Left())
		require.Contains(t, f.Error(), " left, 0x")
		require.NotEqual(t, first, f.To.ID)
		elems, err := c.ResolveFresh(w.ctx, "EchoPool")
		require.NoError(t, err)
		require.Len(t, elems, 1, "the element has deregistered")
	})
}

// Send refuses until Recv has told of the failover: no message goes to an element without the program knowing which.
func TestSendRefusesUntilTheFailoverIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		running := map[uint32]*running{0xa: w.echo(w.host(2), 0xa, nil), 0xb: w.echo(w.host(3), 0xb, nil)}
		c := w.client(w.host(9), nil)
		sess, err := c.Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		defer sess.Close()
		first := sess.Element().ID
		running[first].stack.Close() // aborts
		synctest.Wait()
		require.ErrorIs(t, sess.Send(w.ctx, text("one")), ErrElementFailed)
		require.ErrorIs(t, sess.Send(w.ctx, text("one")), ErrElementFailed)
		_, err = sess.Recv(w.ctx)
		f, ok := errors.AsType[*FailoverError](err)
		require.True(t, ok, "%v", err)
		_, ok = errors.AsType[*sctp.AbortError](f)
		require.True(t, ok)
		require.NoError(t, sess.Send(w.ctx, text("one")))
		m, err := sess.Recv(w.ctx)
		require.NoError(t, err)
		require.Equal(t, "one", string(m.Data))
	})
}

// A failover tells how long the element was silent, which is more than setting up the next association took.
func TestFailoverTellsTheSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		ha, hb := w.host(2), w.host(3)
		a, b := w.echo(ha, 0xa, nil), w.echo(hb, 0xb, nil)
		sess, err := w.client(w.host(9), nil).Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		defer sess.Close()
		_, err = sess.Do(w.ctx, text("one"))
		require.NoError(t, err)
		heard := time.Now()
		time.Sleep(time.Second)
		if sess.Element().ID == 0xa {
			w.kill(ha, a)
		} else {
			w.kill(hb, b)
		}
		require.NoError(t, sess.Send(w.ctx, text("two")))
		_, err = sess.Recv(w.ctx)
		f, ok := errors.AsType[*FailoverError](err)
		require.True(t, ok, "%v", err)
		require.False(t, f.Left())
		require.Equal(t, time.Since(heard), f.Silent)
		require.Less(t, f.Took, time.Second)
		require.Greater(t, f.Silent, 2*time.Second)
	})
}

func TestDoAsksTheNextElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		ha, hb := w.host(2), w.host(3)
		a, b := w.echo(ha, 0xa, nil), w.echo(hb, 0xb, nil)
		c := w.client(w.host(9), nil)
		sess, err := c.Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		defer sess.Close()
		first := sess.Element().ID
		if first == 0xa {
			w.kill(ha, a)
		} else {
			w.kill(hb, b)
		}
		m, err := sess.Do(w.ctx, text("one"))
		require.NoError(t, err)
		require.Equal(t, "one", string(m.Data))
		require.NotEqual(t, first, sess.Element().ID)
	})
}

// A session waits for an element to come back, but not for ever.
func TestSessionWaitsForAnElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		h := w.host(2)
		a := w.echo(h, 0xa, nil)
		c := w.client(w.host(9), func(c *Config) { c.FailoverTimeout = 20 * time.Second })
		sess, err := c.Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		defer sess.Close()
		require.NoError(t, a.stop())

		limited, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		_, err = sess.Recv(limited)
		require.ErrorIs(t, err, context.DeadlineExceeded, "it is not over with the context of one call")
		back := make(chan *running, 1)
		time.AfterFunc(5*time.Second, func() { back <- w.echoLater(h, 0xa) })
		_, err = sess.Recv(w.ctx)
		f, ok := errors.AsType[*FailoverError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, uint32(0xa), f.To.ID)
		require.Less(t, f.Took, 7*time.Second)

		require.NoError(t, (<-back).stop())
		start := time.Now()
		_, err = sess.Recv(w.ctx)
		require.ErrorIs(t, err, ErrPoolNotFound)
		require.InDelta(t, 20, time.Since(start).Seconds(), 1)
		_, again := sess.Recv(w.ctx)
		require.Equal(t, err, again)
		require.Equal(t, err, sess.Send(w.ctx, text("x")))
	})
}

// RFC 5352, Section 3.8: "If the PU's ASAP Endpoint detects a failure and initiates a failover to a different PE, it SHOULD
// send the latest received cookie parameter in an ASAP_COOKIE_ECHO message to the new PE as the first message on the control
// channel."
func TestCookieIsEchoed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		counter := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			n := byte(0)
			for {
				m, err := conn.Recv(ctx)
				if err != nil {
					return
				}
				if c := conn.CookieEcho(); n == 0 && len(c) == 4 {
					n = c[3]
				}
				n++
				conn.Send(ctx, sctp.Message{Data: append(m.Data, '0'+n)})
				conn.SendCookie(ctx, []byte{0, 0, 0, n})
			}
		})
		for i := range 2 {
			cl := w.client(w.host(2+i), nil)
			srv := &Server{Handle: "Count", ID: uint32(1 + i), Handler: counter}
			w.run(cl.Stack(), func(ctx context.Context) error { return srv.Serve(ctx, cl) })
			<-srv.Ready()
		}
		sess, err := w.client(w.host(9), nil).Dial(w.ctx, "Count")
		require.NoError(t, err)
		defer sess.Close()
		for _, want := range []string{"x1", "x2", "x3"} {
			m, err := sess.Do(w.ctx, text("x"))
			require.NoError(t, err)
			require.Equal(t, want, string(m.Data))
		}
		limited, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err = sess.Recv(limited) // takes the cookie
		require.ErrorIs(t, err, context.DeadlineExceeded)
		first := sess.Element().ID
		require.NoError(t, sess.ForceFailover(w.ctx, Force{Reason: "for the test"}))
		m, err := sess.Do(w.ctx, text("x"))
		require.NoError(t, err)
		require.Equal(t, "x4", string(m.Data), "the next element goes on counting")
		require.NotEqual(t, first, sess.Element().ID)
	})
}

func TestSessionRefusesPPIDOfASAP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		w.echo(w.host(2), 0xa, nil)
		sess, err := w.client(w.host(9), nil).Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		require.ErrorIs(t, sess.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: []byte("x")}), ErrReservedPPID)
		require.ErrorIs(t, sess.Send(w.ctx, sctp.Message{}), sctp.ErrEmptyMessage)
		require.NoError(t, sess.Close())
		require.NoError(t, sess.Close())
		require.ErrorIs(t, sess.Send(w.ctx, text("x")), net.ErrClosed)
		_, err = sess.Recv(w.ctx)
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestCloseEndsRecv(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		a := w.echo(w.host(2), 0xa, nil)
		sess, err := w.client(w.host(9), nil).Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		a.stop() // so that Recv is in the middle of a failover
		result := make(chan error)
		go func() {
			_, err := sess.Recv(w.ctx)
			result <- err
		}()
		synctest.Wait()
		sess.Close()
		require.ErrorIs(t, <-result, net.ErrClosed)
	})
}
