// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/rserpool/rserpool/sctp/simnet"
)

func TestStreamIsANetConn(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
	}{
		{"default", Config{}},
		{"small buffers", Config{SendBuffer: 8 << 10, RecvBuffer: 16 << 10}},
	} {
		t.Run(tt.name+"/simnet", func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				w := newWorld(t, 1, tt.cfg)
				a, b := w.connect()
				return a.Stream(0), b.Stream(0), func() { w.a.Close(); w.b.Close() }, nil
			})
		})
		t.Run(tt.name+"/loopback", func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				a, b := loopback(t, tt.cfg)
				return a.Stream(7), b.Stream(7), func() { a.stack.Close(); b.stack.Close() }, nil
			})
		})
	}
}

func TestStreamReadsMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{}).connect()
		w, r := a.Stream(3), b.Stream(3)
		require.Same(t, w, a.Stream(3))
		require.EqualValues(t, 3, w.ID())
		require.Same(t, a, w.Conn())
		w.SetPPID(77)
		for _, s := range []string{"first", "second"} {
			n, err := w.Write([]byte(s))
			require.NoError(t, err)
			require.Equal(t, len(s), n)
		}
		n, err := w.Write(nil)
		require.NoError(t, err)
		require.Zero(t, n)
		buf := make([]byte, 100)
		for _, want := range []string{"fir", "st", "sec", "ond"} {
			n, err := r.Read(buf[:3])
			require.NoError(t, err)
			require.Equal(t, want, string(buf[:n]), "a Read does not go beyond a message")
		}

		big := bytes.Repeat([]byte("0123456789"), 100_000)
		go func() {
			w.Write(big)
			w.Close()
		}()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(big, got))
		require.EqualValues(t, 2+16, b.Stats().MessagesReceived, "1 MB is cut into messages of 64 KiB")
		require.NoError(t, r.Close())
		require.ErrorIs(t, r.Close(), net.ErrClosed)
		require.ErrorIs(t, r.SetDeadline(time.Now()), net.ErrClosed)
		_, err = r.Read(buf)
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = r.Write(buf)
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// Streams and Recv share an association; messages that wait for Recv move to
// the Stream.
func TestStreamTakesItsMessagesFromRecv(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{}).connect()
		ctx := within(t, time.Minute)
		for _, m := range []Message{
			{Stream: 1, Data: []byte("one")}, {Stream: 2, PPID: 5, Data: []byte("two")}, {Stream: 1, Data: []byte("uno")},
		} {
			require.NoError(t, a.Send(ctx, m))
		}
		synctest.Wait()
		st := b.Stream(1)
		require.NoError(t, a.Send(ctx, Message{Stream: 1, Data: []byte("eins")}))
		m, err := b.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, "two", string(m.Data))
		buf := make([]byte, 10)
		for _, want := range []string{"one", "uno", "eins"} {
			n, err := st.Read(buf)
			require.NoError(t, err)
			require.Equal(t, want, string(buf[:n]))
		}
		_, err = a.Stream(1024).Write([]byte("x"))
		require.ErrorIs(t, err, ErrInvalidStream)
	})
}

// Closing one of two Streams leaves the association alone, closing the last
// one ends it.
func TestStreamClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{RecvBuffer: 10_000}).connect()
		ctx := within(t, time.Minute)
		s1, s2, r2 := a.Stream(1), a.Stream(2), b.Stream(2)
		require.NoError(t, s1.Close())
		for range 50 { // nobody reads: it is discarded
			require.NoError(t, b.Send(ctx, Message{Stream: 1, Data: make([]byte, 1000)}))
		}
		_, err := s2.Write([]byte("alive"))
		require.NoError(t, err)
		n, err := r2.Read(make([]byte, 10))
		require.NoError(t, err)
		require.Equal(t, 5, n)

		again := a.Stream(1)
		require.NotSame(t, s1, again)
		require.NoError(t, again.Close())
		require.NoError(t, s2.Close())
		_, err = r2.Read(make([]byte, 10))
		require.Equal(t, io.EOF, err)
		<-a.Done()
		require.Equal(t, io.EOF, a.Err())
	})
}

func TestStreamDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{SendBuffer: 5000, RecvBuffer: 5000})
		a, b := w.connect()
		s := a.Stream(0)
		start := time.Now()
		require.NoError(t, s.SetReadDeadline(start.Add(time.Second)))
		_, err := s.Read(make([]byte, 1))
		require.Equal(t, os.ErrDeadlineExceeded, err)
		require.Equal(t, time.Second, time.Since(start))
		_, err = s.Read(make([]byte, 1))
		require.Equal(t, os.ErrDeadlineExceeded, err)

		// One that waits follows when the deadline is moved.
		require.NoError(t, s.SetReadDeadline(time.Now().Add(time.Minute)))
		time.AfterFunc(time.Second, func() { s.SetReadDeadline(time.Now().Add(time.Second)) })
		start = time.Now()
		_, err = s.Read(make([]byte, 1))
		require.Equal(t, os.ErrDeadlineExceeded, err)
		require.Equal(t, 2*time.Second, time.Since(start))
		require.NoError(t, s.SetReadDeadline(time.Time{}))

		require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Second)))
		for err = nil; err == nil; {
			_, err = s.Write(make([]byte, 1000))
		}
		require.Equal(t, os.ErrDeadlineExceeded, err)
		require.NoError(t, b.Send(context.Background(), text("x")))
		n, err := s.Read(make([]byte, 1))
		require.NoError(t, err, "the write deadline does not concern Read")
		require.Equal(t, 1, n)
	})
}

// A server for net.Listener works unchanged.
func TestNetListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(*seed)
		ha, hb, _ := n.Pair(1)
		l, err := Listen(":7", &Config{Network: hb.Network()})
		require.NoError(t, err)
		nl := l.NetListener(2)
		require.Equal(t, "sctp", nl.Addr().Network())
		var wg sync.WaitGroup
		wg.Go(func() {
			c, err := nl.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(c, c)
			c.Close()
		})
		c, err := Dial(t.Context(), nl.Addr().String(), &Config{Network: ha.Network()})
		require.NoError(t, err)
		s := c.Stream(2)
		_, err = s.Write([]byte("echo"))
		require.NoError(t, err)
		buf := make([]byte, 4)
		_, err = io.ReadFull(s, buf)
		require.NoError(t, err)
		require.Equal(t, "echo", string(buf))
		require.NoError(t, s.Close())
		wg.Wait()
		require.NoError(t, nl.Close())
		_, err = nl.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
	})
}
