// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("seed", 1, "seed of randomised tests")

// TestMain fails if a goroutine outlives the tests.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if left := leaked(5 * time.Second); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

func leaked(limit time.Duration) string {
	var left []string
	for end := time.Now().Add(limit); time.Now().Before(end); runtime.Gosched() {
		left = left[:0]
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		for i, g := range strings.Split(string(buf), "\n\n") {
			if i > 0 && strings.Contains(g, "rserpool/") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// A world is a registrar and a host for its clients on a virtual network, in a bubble of virtual time.
type world struct {
	t      *testing.T
	net    *simnet.Net
	server *simnet.Host
	host   *simnet.Host
	srv    *Server
	stop   context.CancelFunc
	done   chan error // what Serve returned
}

// inWorld runs a test in one. The hosts have two paths between them. The registrar has stopped when it ends.
func inWorld(t *testing.T, cfg Config, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve(cfg)
		test(t, w)
		w.end()
	})
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, net: simnet.New(*seed), done: make(chan error, 1)}
	w.server, w.host, _ = w.net.Pair(2)
	return w
}

func (w *world) serve(cfg Config) {
	w.t.Helper()
	cfg.Network = w.server.Network()
	cfg.Rand = rand.New(rand.NewPCG(*seed, 3))
	cfg.ServerID = 0x11111111
	srv, err := New(cfg)
	require.NoError(w.t, err)
	w.srv = srv
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	served := make(chan struct{})
	go func() {
		w.done <- srv.Serve(ctx)
		close(served)
	}()
	w.t.Cleanup(func() { cancel(); <-served })
}

// end stops the registrar.
func (w *world) end() {
	w.t.Helper()
	w.stop()
	require.NoError(w.t, <-w.done)
}

// ctx is for what should happen soon.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

// A party is a pool element, a pool user, or both.
type party struct {
	w    *world
	conn *sctp.Conn
}

// dial connects to the registrar with a stack of its own.
func (w *world) dial(cfg sctp.Config) *party {
	w.t.Helper()
	cfg.Network = w.host.Network()
	if cfg.EncapPort == 0 {
		cfg.EncapPort = -1
	}
	s, err := sctp.NewStack(&cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { s.Close() })
	conn, err := s.Dial(w.ctx(), w.srv.Addr())
	require.NoError(w.t, err)
	return &party{w, conn}
}

func (p *party) send(m asap.Message) {
	p.w.t.Helper()
	b, err := m.AppendBinary(nil)
	require.NoError(p.w.t, err)
	require.NoError(p.w.t, p.conn.Send(p.w.ctx(), sctp.Message{PPID: asap.PPID, Data: b}))
}

func (p *party) recv() asap.Message {
	p.w.t.Helper()
	m, err := p.conn.Recv(p.w.ctx())
	require.NoError(p.w.t, err)
	require.EqualValues(p.w.t, asap.PPID, m.PPID)
	got, _, err := asap.Parse(m.Data)
	require.NoError(p.w.t, err)
	return got
}

// call sends a request and returns the answer.
func (p *party) call(m asap.Message) asap.Message {
	p.w.t.Helper()
	p.send(m)
	return p.recv()
}

// register registers a pool element at the addresses of the party.
func (p *party) register(pool string, id uint32) {
	p.w.t.Helper()
	resp := p.call(&asap.Registration{PoolHandle: param.PoolHandle(pool), PoolElement: param.PoolElement{
		ID: id, Life: 3600,
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Addrs: p.conn.LocalAddr().IPs},
		Policy:        param.Policy{Type: param.RoundRobin},
	}})
	require.Equal(p.w.t, &asap.RegistrationResponse{PoolHandle: param.PoolHandle(pool), PEID: id}, resp)
}

func (p *party) resolve(pool string) []param.PoolElement {
	p.w.t.Helper()
	resp := p.call(&asap.HandleResolution{PoolHandle: param.PoolHandle(pool), Items: 100})
	return resp.(*asap.HandleResolutionResponse).PoolElements
}

// eventually waits in the time of the bubble.
func (w *world) eventually(limit time.Duration, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !ok(); <-tick.C {
		require.True(w.t, time.Now().Before(end), "not within %v", limit)
	}
}

func addrs(list ...string) (r []netip.Addr) {
	for _, a := range list {
		r = append(r, netip.MustParseAddr(a))
	}
	return r
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// serveUntil serves until stop is called, which returns what Serve does.
func serveUntil(t *testing.T, srv *Server) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { stop() })
	return stop
}
