// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
)

var seed = flag.Uint64("seed", 1, "seed of randomised tests")

// TestMain fails if a goroutine of this module outlives the tests.
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

// A world is a virtual network in a synctest bubble, with a registrar at 10.0.0.1.
type world struct {
	t         *testing.T
	net       *simnet.Net
	n         uint64
	ctx       context.Context
	registrar *registrar.Server
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, net: simnet.New(*seed), ctx: t.Context()}
	h := w.host(1)
	s := w.stack(h)
	var err error
	w.registrar, err = registrar.New(registrar.Config{
		ServerID: 1, Stack: s, Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, 0)), StopTimeout: time.Second,
	})
	require.NoError(t, err)
	w.run(h, s, w.registrar.Serve)
	return w
}

// host adds the host 10.0.0.i.
func (w *world) host(i int) *simnet.Host {
	return w.net.Host(fmt.Sprintf("h%d", i), netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
}

func (w *world) stack(h *simnet.Host) *sctp.Stack {
	w.t.Helper()
	w.n++
	s, err := sctp.NewStack(&sctp.Config{
		Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, w.n)),
		RTOMin: 500 * time.Millisecond, RTOMax: 2 * time.Second, AssociationMaxRetrans: 5, PathMaxRetrans: 3,
		HeartbeatInterval: 5 * time.Second, SendBuffer: 64 << 10,
	})
	require.NoError(w.t, err)
	return s
}

// A running is something that can be stopped.
type running struct {
	host *simnet.Host
	stop func() error // gracefully; returns what Serve returned
	srv  *pool.Server
}

// kill takes it from the network without a word.
func (r *running) kill(t *testing.T) {
	addrs, err := r.host.Addrs()
	require.NoError(t, err)
	r.host.RemoveAddr(addrs[0])
	r.stop()
}

func (w *world) run(h *simnet.Host, s *sctp.Stack, serve func(context.Context) error) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = serve(ctx)
		s.Close()
	}()
	r := &running{host: h, stop: func() error { // no lock: the clock of the bubble stands still while one is waited for
		cancel()
		<-done
		return err
	}}
	w.t.Cleanup(func() { r.stop() })
	return r
}

// client runs one on the host 10.0.0.i.
func (w *world) client(i int) *pool.Client { return w.clientOn(w.host(i)) }

func (w *world) clientOn(h *simnet.Host) *pool.Client {
	w.t.Helper()
	c, err := pool.NewClient(&pool.Config{
		Stack: w.stack(h), Network: h.Network(), Registrars: []string{"10.0.0.1:3863"},
		ASAP: agent.Config{Rand: rand.New(rand.NewPCG(*seed, w.n))},
	})
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		c.Close()
		c.Stack().Close()
	})
	return c
}

// serve runs an element on the host 10.0.0.i, and returns when it is registered.
func (w *world) serve(i int, srv *pool.Server) *running {
	w.t.Helper()
	h := w.host(i)
	c := w.clientOn(h)
	r := w.run(h, c.Stack(), func(ctx context.Context) error {
		defer c.Close()
		return srv.Serve(ctx, c)
	})
	r.srv = srv
	<-srv.Ready()
	return r
}

// element runs an element of a service on the host 10.0.0.i, with that number as its identifier.
func (w *world) element(i int, name string) *running {
	w.t.Helper()
	srv := &pool.Server{ID: uint32(i)}
	require.NoError(w.t, Configure(srv, name, 0, nil))
	return w.serve(i, srv)
}

// hostile runs an element that is not of a service, but says it were. The handler is given the first message.
func (w *world) hostile(i int, handle string, f func(ctx context.Context, conn *pool.ServerConn)) *running {
	w.t.Helper()
	return w.serve(i, &pool.Server{Handle: handle, ID: uint32(i), Handler: pool.HandlerFunc(f)})
}

func (w *world) dial(c *pool.Client, handle string) *pool.Session {
	w.t.Helper()
	s, err := c.Dial(w.ctx, handle)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { s.Close() })
	return s
}
