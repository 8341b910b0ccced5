// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
	"github.com/stretchr/testify/require"
)

// A pipeListener gives a registrar the other ends of net.Pipe, so that a bubble knows when all wait.
type pipeListener struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
	fail  chan error // what Accept returns instead
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), over: make(chan struct{}), fail: make(chan error, 1)}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case err := <-l.fail:
		return nil, err
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.over) }); return nil }
func (l *pipeListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: asap.Port}
}

// pipeEnd is an end that says where it is.
type pipeEnd struct {
	net.Conn
	from *net.TCPAddr
}

func (p pipeEnd) RemoteAddr() net.Addr { return p.from }

// dial connects as a pool user at an address.
func (l *pipeListener) dial(t *testing.T, from string) *user {
	t.Helper()
	a, b := net.Pipe()
	l.conns <- pipeEnd{b, net.TCPAddrFromAddrPort(addrPort(from))}
	t.Cleanup(func() { a.Close() })
	return &user{t: t, Conn: a}
}

// A user is a pool user over TCP.
type user struct {
	t *testing.T
	net.Conn
	in asap.Splitter
}

func (u *user) send(msgs ...asap.Message) {
	u.t.Helper()
	_, err := u.Write(encode(u.t, msgs...))
	require.NoError(u.t, err)
}

func encode(t *testing.T, msgs ...asap.Message) (b []byte) {
	t.Helper()
	for _, m := range msgs {
		var err error
		b, err = m.AppendBinary(b)
		require.NoError(t, err)
	}
	return b
}

// recv returns the next message, or what ended the connection.
func (u *user) recv() (asap.Message, error) {
	u.t.Helper()
	u.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		b, err := u.in.Next()
		require.NoError(u.t, err)
		if b != nil {
			m, _, err := asap.Parse(b)
			require.NoError(u.t, err)
			return m, nil
		}
		n, err := u.Read(u.in.Space())
		u.in.Fill(n)
		if err != nil {
			return nil, err
		}
	}
}

func (u *user) call(m asap.Message) asap.Message {
	u.t.Helper()
	u.send(m)
	got, err := u.recv()
	require.NoError(u.t, err)
	return got
}

func (u *user) resolve(pool string) []param.PoolElement {
	u.t.Helper()
	return u.call(&asap.HandleResolution{PoolHandle: param.PoolHandle(pool), Items: 8}).(*asap.HandleResolutionResponse).PoolElements
}

// gone requires that the registrar ends the connection.
func (u *user) gone() {
	u.t.Helper()
	_, err := u.recv()
	require.Error(u.t, err)
	require.False(u.t, isTimeout(err), "it is open still")
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// inTCPWorld runs a test with a registrar that has an element of Echo at 10.0.0.2, and listens to pipes.
func inTCPWorld(t *testing.T, cfg Config, test func(t *testing.T, w *world, l *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		w, l := newWorld(t), newPipeListener()
		cfg.TCPListener = l
		w.serve(cfg)
		test(t, w, l)
		w.end()
	})
}

func TestTCPResolveAndReport(t *testing.T) {
	inTCPWorld(t, Config{}, func(t *testing.T, w *world, l *pipeListener) {
		pe := w.dial(sctp.Config{})
		pe.register("Echo", 1)
		pu := l.dial(t, "10.0.0.9:40000")
		require.Len(t, pu.resolve("Echo"), 1)
		require.Empty(t, pu.resolve("Nobody"))
		pu.send(&asap.EndpointUnreachable{PoolHandle: "Echo", PEID: 1})
		require.Equal(t, uint32(1), pe.recv().(*asap.EndpointKeepAlive).PEID, "the registrar asks the element")
		pe.send(&asap.EndpointKeepAliveAck{PoolHandle: "Echo", PEID: 1})

		reg := &asap.Registration{PoolHandle: "Echo", PoolElement: param.PoolElement{ID: 2, Life: 3600,
			UserTransport: param.Transport{Protocol: param.TCP, Port: 7, Addrs: addrs("10.0.0.9")}, Policy: param.Policy{Type: param.RoundRobin}}}
		require.Equal(t, &asap.RegistrationResponse{PoolHandle: "Echo", PEID: 2, Rejected: true,
			Errors: param.OperationError{{Code: param.CauseRejectedSecurity}}}, pu.call(reg))
		require.Len(t, pu.resolve("Echo"), 1, "the connection goes on")
		require.Equal(t, 1, w.srv.Stats().TCP)
		pu.Close()
		w.eventually(time.Second, func() bool { st := w.srv.Stats(); return st.TCP == 0 && st.Associations == 1 })
	})
}

// Several requests in one segment, and one request in many, are answered in order.
func TestTCPSegmentsDoNotMatter(t *testing.T) {
	inTCPWorld(t, Config{}, func(t *testing.T, w *world, l *pipeListener) {
		pe := w.dial(sctp.Config{})
		const n = 3 * maxUnsent
		var all []byte
		for i := range n {
			pool := fmt.Sprintf("Echo%d", i)
			pe.register(pool, uint32(i+1))
			all = append(all, encode(t, &asap.HandleResolution{PoolHandle: param.PoolHandle(pool), Items: 1})...)
		}
		for name, size := range map[string]int{"byte by byte": 1, "seven": 7, "at once": len(all)} {
			pu := l.dial(t, "10.0.0.9:40000")
			done := make(chan struct{})
			go func() {
				defer close(done)
				for b := all; len(b) > 0; b = b[min(size, len(b)):] {
					pu.Write(b[:min(size, len(b))])
				}
			}()
			for i := range n {
				m, err := pu.recv()
				require.NoError(t, err, name)
				require.Equal(t, uint32(i+1), m.(*asap.HandleResolutionResponse).PoolElements[0].ID, name)
			}
			<-done
			pu.Close()
		}
	})
}

// What does not carry ASAP is closed, and hurts nobody else.
func TestTCPHostileStreams(t *testing.T) {
	resolution := encode(t, &asap.HandleResolution{PoolHandle: "Echo", Items: 1})
	type stream struct {
		name   string
		bytes  []byte
		closed bool // by the registrar, without more ado
	}
	streams := []stream{
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: registrar\r\n\r\n"), false}, // a message of 8224 bytes that never comes
		{"zeros", make([]byte, 64), true},
		{"largest length, nothing behind it", []byte{5, 0, 255, 255}, false},
		{"TLS", []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, false},
	}
	for n := range byte(4) {
		streams = append(streams, stream{fmt.Sprintf("length %d", n), []byte{5, 0, 0, n}, true})
	}
	for n := 1; n < len(resolution); n++ {
		streams = append(streams, stream{fmt.Sprintf("cut after %d bytes", n), resolution[:n], false})
	}
	inTCPWorld(t, Config{KeepAliveInterval: -1}, func(t *testing.T, w *world, l *pipeListener) {
		w.dial(sctp.Config{}).register("Echo", 1)
		witness := l.dial(t, "10.0.0.8:40000")
		for _, s := range streams {
			pu := l.dial(t, "10.0.0.9:40000")
			pu.Write(s.bytes)
			start := time.Now()
			if !s.closed {
				// Nothing comes while more may follow; not for ever.
				pu.gone()
				require.Equal(t, DefaultTCPReadTimeout, time.Since(start), s.name)
				continue
			}
			pu.gone()
			require.Zero(t, time.Since(start), s.name)
		}
		require.EqualValues(t, 5, w.srv.Stats().NotASAP)
		require.Len(t, witness.resolve("Echo"), 1)

		// Garbage with good lengths is answered or ignored as over SCTP (RFC 5354, Section 4).
		rnd := rand.New(rand.NewPCG(*seed, 5))
		pu := l.dial(t, "10.0.0.9:40000")
		go io.Copy(io.Discard, pu)
		for range 500 {
			m := make([]byte, 4*(1+rnd.IntN(20)))
			for i := range m {
				m[i] = byte(rnd.Uint32())
			}
			binary.BigEndian.PutUint16(m[2:], uint16(len(m)))
			_, err := pu.Write(m)
			require.NoError(t, err)
		}
		require.Len(t, witness.resolve("Echo"), 1)
		require.Equal(t, 1, w.srv.Stats().Elements)
	})
}

// A byte now and then does not keep a connection.
func TestTCPSlowMessage(t *testing.T) {
	inTCPWorld(t, Config{TCPReadTimeout: 3 * time.Second}, func(t *testing.T, w *world, l *pipeListener) {
		w.dial(sctp.Config{}).register("Echo", 1)
		pu := l.dial(t, "10.0.0.9:40000")
		b := encode(t, &asap.HandleResolution{PoolHandle: "Echo", Items: 1})
		require.Len(t, pu.resolve("Echo"), 1)
		start := time.Now()
		for i := 0; ; i++ {
			if _, err := pu.Write(b[i : i+1]); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		require.Less(t, time.Since(start), 5*time.Second)
	})
}

func TestTCPIdle(t *testing.T) {
	inTCPWorld(t, Config{TCPIdleTimeout: 30 * time.Second}, func(t *testing.T, w *world, l *pipeListener) {
		pu := l.dial(t, "10.0.0.9:40000")
		start := time.Now()
		for range 3 {
			time.Sleep(20 * time.Second)
			pu.resolve("Echo") // what is asked counts
		}
		pu.gone()
		require.Equal(t, 90*time.Second, time.Since(start))
	})
}

// Who does not read is given up, and the registrar goes on meanwhile.
func TestTCPClientThatDoesNotRead(t *testing.T) {
	inTCPWorld(t, Config{SendTimeout: 2 * time.Second}, func(t *testing.T, w *world, l *pipeListener) {
		w.dial(sctp.Config{}).register("Echo", 1)
		pu, other := l.dial(t, "10.0.0.9:40000"), l.dial(t, "10.0.0.8:40000")
		pu.send(&asap.HandleResolution{PoolHandle: "Echo", Items: 1})
		require.Len(t, other.resolve("Echo"), 1)
		w.eventually(3*time.Second, func() bool { return w.srv.Stats().Slow == 1 })
		w.eventually(time.Second, func() bool { return w.srv.Stats().TCP == 1 })
		require.Len(t, other.resolve("Echo"), 1)
	})
}

// A TLS handshake that does not come to its end does not keep a connection, nor the registrar from its end.
func TestTCPSlowHandshake(t *testing.T) {
	inTCPWorld(t, Config{}, func(t *testing.T, w *world, l *pipeListener) {
		dial := func() *user {
			a, b := net.Pipe()
			l.conns <- tls.Server(b, &tls.Config{})
			t.Cleanup(func() { a.Close() })
			return &user{t: t, Conn: a}
		}
		start := time.Now()
		dial().gone()
		require.Equal(t, DefaultTCPReadTimeout, time.Since(start))
		dial() // which the end of the world does not wait for
		require.Zero(t, w.srv.Stats().Associations)
	})
}

// One address has a quarter of the connections at most, and all together MaxTCP.
func TestTCPLimits(t *testing.T) {
	inTCPWorld(t, Config{MaxTCP: 8}, func(t *testing.T, w *world, l *pipeListener) {
		var open []*user
		for host := range 4 {
			for range 2 {
				u := l.dial(t, fmt.Sprintf("10.0.0.%d:40000", 10+host))
				u.resolve("Echo")
				open = append(open, u)
			}
			if host == 0 {
				l.dial(t, "10.0.0.10:40001").gone()
			}
		}
		l.dial(t, "10.0.0.20:40000").gone()
		require.EqualValues(t, 2, w.srv.Stats().TCPRefused)
		open[0].Close()
		w.eventually(time.Second, func() bool { return w.srv.Stats().TCP == 7 })
		l.dial(t, "10.0.0.20:40000").resolve("Echo")
	})
}

// An accept that fails, for want of file descriptors for example, is tried again.
func TestTCPAcceptFails(t *testing.T) {
	inTCPWorld(t, Config{}, func(t *testing.T, w *world, l *pipeListener) {
		l.fail <- syscall.EMFILE
		l.dial(t, "10.0.0.9:40000").resolve("Echo")
	})
}

// The end of Serve is a FIN to each pool user, and does not wait for ever for theirs. Over real TCP.
func TestTCPStop(t *testing.T) {
	srv, stop := startTCP(t)
	quick, stubborn := dialTCP(t, srv), dialTCP(t, srv)
	quick.resolve("Echo")
	stubborn.resolve("Echo")
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	_, err := quick.recv()
	require.ErrorIs(t, err, io.EOF)
	quick.Close()
	require.NoError(t, <-stopped)
	_, err = stubborn.recv()
	require.Error(t, err)
	_, err = net.Dial("tcp", srv.TCPAddrs()[0].String())
	require.Error(t, err, "nobody listens any more")
}

// A connection that is reset in the middle of a message is forgotten; one that is half closed gets its answer.
func TestTCPResetAndHalfClose(t *testing.T) {
	srv, stop := startTCP(t)
	for range 20 {
		u := dialTCP(t, srv)
		u.Write([]byte{5, 0, 0, 40, 0})
		u.Conn.(*net.TCPConn).SetLinger(0)
		u.Close()
	}
	u := dialTCP(t, srv)
	u.send(&asap.HandleResolution{PoolHandle: "Echo", Items: 1})
	u.Conn.(*net.TCPConn).CloseWrite()
	m, err := u.recv()
	require.NoError(t, err)
	require.True(t, m.(*asap.HandleResolutionResponse).Errors.Has(param.CauseUnknownPoolHandle))
	_, err = u.recv()
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, stop())
	require.Zero(t, srv.Stats().TCP)
}

func TestTCPPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = New(Config{LocalAddrs: addrs("127.0.0.1"), EncapPort: -1, ASAPPort: -1, ENRPPort: -1, AnnounceInterval: -1, AnnounceTTL: -1,
		TCPPort: l.Addr().(*net.TCPAddr).Port})
	require.ErrorIs(t, err, ErrTCP)
}

// startTCP runs a registrar on the loopback address.
func startTCP(t *testing.T) (srv *Server, stop func() error) {
	t.Helper()
	srv, err := New(Config{LocalAddrs: addrs("127.0.0.1"), EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1, TCPPort: -1, Standalone: true,
		StopTimeout: 100 * time.Millisecond})
	require.NoError(t, err)
	require.Len(t, srv.TCPAddrs(), 1)
	return srv, serveUntil(t, srv)
}

func dialTCP(t *testing.T, srv *Server) *user {
	t.Helper()
	c, err := net.Dial("tcp", srv.TCPAddrs()[0].String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &user{t: t, Conn: c}
}
