// SPDX-License-Identifier: Apache-2.0

package service

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
)

func TestConfigure(t *testing.T) {
	for _, s := range Services() {
		if s.Name == "scripting" {
			continue // which is not configured without a word
		}
		srv := &pool.Server{}
		require.NoError(t, Configure(srv, s.Name, s.MaxSessions, nil))
		require.Equal(t, s.Pool, srv.Handle)
		require.NotNil(t, srv.Handler)
		srv = &pool.Server{Handle: "Mine"}
		require.NoError(t, Configure(srv, s.Name, 0, nil))
		require.Equal(t, "Mine", srv.Handle)
	}
	require.EqualError(t, Configure(&pool.Server{}, "web", 0, nil),
		`service: there is no "web", only echo, discard, daytime, chargen, pingpong, fractal, calcapp, scripting`)
	require.ErrorContains(t, Configure(&pool.Server{}, "echo", -1, nil), "negative")
}

func TestEchoAndDiscard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.element(2, "echo")
		discard := w.element(3, "discard")
		c := w.client(9)
		m, err := w.dial(c, "EchoPool").Do(w.ctx, sctp.Message{Data: []byte("hello"), PPID: 7})
		require.NoError(t, err)
		require.Equal(t, "hello", string(m.Data))
		require.EqualValues(t, 7, m.PPID)
		sess := w.dial(c, "DiscardPool")
		for range 1000 {
			require.NoError(t, sess.Send(w.ctx, sctp.Message{Data: make([]byte, 1000)}))
		}
		go discard.stop()
		_, err = sess.Conn().Recv(w.ctx)
		require.ErrorIs(t, err, io.EOF)
		require.EqualValues(t, 1000, sess.Conn().Stats().MessagesSent)
		require.Zero(t, sess.Conn().Stats().MessagesReceived)
	})
}

func TestDaytime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.element(2, "daytime")
		sess := w.dial(w.client(9), "DaytimePool")
		start := time.Now()
		m, err := sess.Recv(w.ctx)
		require.NoError(t, err)
		require.Less(t, time.Since(start), 2*silence)
		require.Regexp(t, `^[A-Z][a-z]+day, \d\d-[A-Z][a-z]+-\d{4} \d\d:\d\d:\d\d\.\d{6}\n$`, string(m.Data))
		at, err := time.ParseInLocation(DaytimeLayout, string(m.Data), time.Local)
		require.NoError(t, err)
		require.InDelta(t, 0, time.Since(at).Seconds(), 0.1)
		_, err = sess.Conn().Recv(w.ctx)
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestCharGen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.element(2, "chargen")
		sess := w.dial(w.client(9), "CharGenPool")
		for range 100 {
			m, err := sess.Recv(w.ctx)
			require.NoError(t, err)
			require.Len(t, m.Data, 1024)
			require.EqualValues(t, []byte{30, 31}, m.Data[:2])
			require.EqualValues(t, []byte{127, 30}, m.Data[97:99])
		}
		require.NoError(t, sess.Close())
		start := time.Now()
		require.NoError(t, e.stop())
		require.Less(t, time.Since(start), 3*time.Second)
	})
}

// A registrar that sets up an association to an element, to take it over, is not taken for a client: neither is anything
// sent to it but ASAP, nor is the association ended.
func TestRegistrarIsNoClient(t *testing.T) {
	for _, name := range []string{"daytime", "chargen", "pingpong", "fractal"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			srv := &pool.Server{ID: 2, Policy: policy.LeastUsed{}}
			require.NoError(t, Configure(srv, name, 1, nil))
			w.serve(2, srv)
			s := w.stack(w.host(8))
			defer s.Close()
			elems, err := w.client(9).Resolve(w.ctx, srv.Handle)
			require.NoError(t, err)
			conn, err := s.Dial(w.ctx, elems[0].Addr())
			require.NoError(t, err)
			for range 3 {
				keepAlive := &asap.EndpointKeepAlive{ServerID: 1, PoolHandle: param.PoolHandle(srv.Handle)}
				b, err := keepAlive.AppendBinary(nil)
				require.NoError(t, err)
				require.NoError(t, conn.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: b}))
				m, err := conn.Recv(w.ctx)
				require.NoError(t, err)
				require.EqualValues(t, asap.PPID, m.PPID, name)
				require.EqualValues(t, asap.TypeEndpointKeepAliveAck, m.Data[0])
				time.Sleep(5 * time.Second)
			}
			require.NoError(t, conn.Err(), name)
			require.EqualValues(t, 3, conn.Stats().MessagesReceived, name)
			require.Equal(t, policy.LeastUsed{}, loadOf(w, srv.Handle)[2], "it is no session")
		})
	}
}

func loadOf(w *world, handle string) map[uint32]policy.Policy {
	loads := map[uint32]policy.Policy{}
	for _, p := range w.registrar.Snapshot().Pools {
		if string(p.Handle) == handle {
			for _, e := range p.Elements {
				loads[e.ID] = policy.FromParam(e.Policy)
			}
		}
	}
	return loads
}

// The load is the part of the sessions, and one more than there may be goes elsewhere.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := 2; i <= 3; i++ {
			srv := &pool.Server{ID: uint32(i), Policy: policy.LeastUsed{}}
			require.NoError(t, Configure(srv, "pingpong", 4, nil))
			w.serve(i, srv)
		}
		c := w.client(9)
		var sessions []*pool.Session
		for range 8 {
			sess := w.dial(c, "PingPongPool")
			p := NewPinger(sess)
			_, err := p.Ping(w.ctx)
			for isFailover(err) { // the cache of the user was behind
				_, err = p.Ping(w.ctx)
			}
			require.NoError(t, err)
			sessions = append(sessions, sess)
		}
		time.Sleep(time.Second)
		full := policy.LeastUsed{Load: policy.Fraction(1)}
		require.Equal(t, map[uint32]policy.Policy{2: full, 3: full}, loadOf(w, "PingPongPool"))

		p := NewPinger(w.dial(c, "PingPongPool"))
		_, err := p.Ping(w.ctx)
		for isFailover(err) {
			_, err = p.Ping(w.ctx)
		}
		require.ErrorIs(t, err, ErrElements)
		require.ErrorIs(t, err, io.EOF, "both have sent it away")

		for _, sess := range sessions {
			require.NoError(t, sess.Close())
		}
		time.Sleep(time.Second)
		require.Equal(t, map[uint32]policy.Policy{2: policy.LeastUsed{}, 3: policy.LeastUsed{}}, loadOf(w, "PingPongPool"))
	})
}
