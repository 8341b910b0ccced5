// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/pingpong"
)

func isFailover(err error) bool {
	_, ok := errors.AsType[*pool.FailoverError](err)
	return ok
}

// ping is Ping over failovers, which it returns.
func ping(t *testing.T, ctx context.Context, p *Pinger) (Pong, []*pool.FailoverError) {
	t.Helper()
	var failovers []*pool.FailoverError
	for {
		pong, err := p.Ping(ctx)
		f, ok := errors.AsType[*pool.FailoverError](err)
		if !ok {
			require.NoError(t, err)
			return pong, failovers
		}
		failovers = append(failovers, f)
	}
}

// Message and reply numbers go on over failovers, whether the element leaves or is killed.
func TestPingPongContinues(t *testing.T) {
	for _, kill := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			elements := map[uint32]*running{2: w.element(2, "pingpong"), 3: w.element(3, "pingpong")}
			p := NewPinger(w.dial(w.client(9), "PingPongPool"))
			for i := uint64(1); i <= 20; i++ {
				pong, failovers := ping(t, w.ctx, p)
				require.Equal(t, i, pong.MessageNo)
				require.Equal(t, i, pong.ReplyNo)
				require.Equal(t, i == 11, len(failovers) == 1)
				if i == 10 && kill {
					time.Sleep(time.Second)
					elements[pong.Element.ID].kill(t)
				} else if i == 10 {
					require.NoError(t, elements[pong.Element.ID].stop())
				}
				if i == 11 {
					require.True(t, failovers[0].CookieEchoed)
					require.Equal(t, !kill, failovers[0].Left())
				}
			}
		})
	}
}

// One that says nothing is given up, as is one that says what it should not. If there are only such, that is an error
// which says what they did.
func TestPingerGivesHostileElementsUp(t *testing.T) {
	sends := func(ppid sctp.PPID, data string) func(context.Context, *pool.ServerConn) {
		return func(ctx context.Context, conn *pool.ServerConn) {
			_ = conn.Send(ctx, sctp.Message{PPID: ppid, Data: []byte(data)})
			<-conn.Conn().Done()
		}
	}
	for _, c := range []struct {
		name   string
		handle func(context.Context, *pool.ServerConn)
		want   string
	}{
		{"silent", func(_ context.Context, conn *pool.ServerConn) { <-conn.Conn().Done() }, "nothing came for 5s"},
		{"ppid", sends(0, "x"), "a message with PPID 0, not 33"},
		{"short", sends(pingpong.PPID, "x"), "pingpong: a message of 1 bytes, less than the 4 of its header"},
		{"ping", sends(pingpong.PPID, "\x01\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x01"), "pingpong: a ping where a pong was expected"},
		{"length", sends(pingpong.PPID, "\x02\x00\xff\xff"), "pingpong: pong: length field 65535 in a message of 4 bytes"},
		{"number", sends(pingpong.PPID, "\x02\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01"), "pingpong: pong 2, but 1 was sent"},
		{"data", sends(pingpong.PPID, "\x02\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"), "pingpong: pong 1: its data is not that of the ping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.hostile(2, "PingPongPool", c.handle)
				client := w.client(9)
				p := NewPinger(w.dial(client, "PingPongPool"))
				_, err := p.Ping(w.ctx)
				for isFailover(err) {
					require.ErrorContains(t, err, c.want)
					_, err = p.Ping(w.ctx)
				}
				require.ErrorIs(t, err, ErrElements)
				require.ErrorContains(t, err, c.want)

				p = NewPinger(w.dial(client, "PingPongPool"))
				w.element(3, "pingpong")
				pong, _ := ping(t, w.ctx, p)
				require.EqualValues(t, 3, pong.Element.ID)
				require.EqualValues(t, 1, pong.ReplyNo)
			})
		})
	}
}

// Who sends something else than a Ping, or a wrong cookie, is aborted and told why.
func TestPingPongRefuses(t *testing.T) {
	echo := func(cookie string) sctp.Message {
		b, err := (&asap.CookieEcho{Cookie: []byte(cookie)}).AppendBinary(nil)
		require.NoError(t, err)
		return sctp.Message{PPID: asap.PPID, Data: b}
	}
	refuses(t, "pingpong", []refusal{
		{sctp.Message{Data: []byte("x")}, "pingpong: a message with PPID 0, not 33"},
		{sctp.Message{PPID: pingpong.PPID, Data: []byte("\x01\x00\xff\xff\x00\x00")}, "pingpong: ping: length field 65535 in a message of 6 bytes"},
		{sctp.Message{PPID: pingpong.PPID, Data: append([]byte{2, 0, 0, 20}, make([]byte, 16)...)}, "pingpong: a pong where a ping was expected"},
		{echo("<PP-TD1>1234"), "pingpong: a cookie of 12 bytes, not 16"},
		{echo("<FG-TD1>12345678"), `pingpong: the cookie begins with "<FG-TD1>"`},
	})
}

type refusal struct {
	m    sctp.Message
	want string
}

func refuses(t *testing.T, name string, refusals []refusal) {
	for _, c := range refusals {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			e := w.element(2, name)
			elems, err := w.client(9).Resolve(w.ctx, e.srv.Handle)
			require.NoError(t, err)
			s := w.stack(w.host(8))
			defer s.Close()
			conn, err := s.Dial(w.ctx, elems[0].Addr())
			require.NoError(t, err)
			require.NoError(t, conn.Send(w.ctx, c.m))
			for err == nil {
				_, err = conn.Recv(w.ctx)
			}
			abort, ok := errors.AsType[*sctp.AbortError](err)
			require.True(t, ok, "%v", err)
			require.True(t, abort.Peer)
			require.ErrorContains(t, err, c.want)
		})
	}
}
