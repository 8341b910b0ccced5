// SPDX-License-Identifier: Apache-2.0

package pool

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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/agent"
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

// A world is a virtual network in a synctest bubble.
type world struct {
	t   *testing.T
	net *simnet.Net
	n   uint64
	// users counts the pool users that are not ours.
	users int
	ctx   context.Context
}

func newWorld(t *testing.T) *world {
	return &world{t: t, net: simnet.New(*seed), ctx: t.Context()}
}

func ip(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

// host adds the host 10.0.0.i.
func (w *world) host(i int) *simnet.Host { return w.net.Host(fmt.Sprintf("h%d", i), ip(i)) }

func (w *world) stack(h *simnet.Host) *sctp.Stack {
	w.t.Helper()
	w.n++
	cfg := &sctp.Config{
		Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, w.n)),
		RTOMin: 500 * time.Millisecond, RTOMax: 2 * time.Second, AssociationMaxRetrans: 5, PathMaxRetrans: 3,
		HeartbeatInterval: 5 * time.Second,
	}
	s, err := sctp.NewStack(cfg)
	require.NoError(w.t, err)
	return s
}

// A running is something that can be stopped.
type running struct {
	stack *sctp.Stack
	stop  func() error // gracefully; returns what Serve returned
	once  sync.Once
}

// kill takes it from the network without a word.
func (w *world) kill(h *simnet.Host, r *running) {
	h.RemoveAddr(mustAddrs(h)[0])
	r.stop()
}

func mustAddrs(h *simnet.Host) []netip.Addr {
	a, err := h.Addrs()
	if err != nil {
		panic(err)
	}
	return a
}

// registrar runs one on a host.
func (w *world) registrar(h *simnet.Host, id uint32) *running {
	w.t.Helper()
	s := w.stack(h)
	srv, err := registrar.New(registrar.Config{
		ServerID: id, Stack: s, Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, uint64(id))),
		StopTimeout: time.Second,
	})
	require.NoError(w.t, err)
	return w.run(s, srv.Serve)
}

func (w *world) run(s *sctp.Stack, serve func(context.Context) error) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	r := &running{stack: s}
	var err error
	r.stop = func() error {
		r.once.Do(func() {
			cancel()
			err = <-done
			s.Close()
		})
		return err
	}
	w.t.Cleanup(func() { r.stop() })
	return r
}

// client runs one on a host.
func (w *world) client(h *simnet.Host, change func(*Config)) *Client {
	w.t.Helper()
	cfg := &Config{
		Stack: w.stack(h), Network: h.Network(), Registrars: []string{"10.0.0.1:3863"},
		ASAP: agent.Config{Rand: rand.New(rand.NewPCG(*seed, w.n))},
	}
	if change != nil {
		change(cfg)
	}
	c, err := NewClient(cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		c.Close()
		c.Stack().Close()
	})
	return c
}

// echo runs an element of EchoPool on a host, and returns when it is registered.
func (w *world) echo(h *simnet.Host, id uint32, change func(*Config)) *running {
	w.t.Helper()
	r, srv := w.startEcho(h, id, change)
	<-srv.Ready()
	return r
}

// echoLater does not wait.
func (w *world) echoLater(h *simnet.Host, id uint32) *running {
	r, _ := w.startEcho(h, id, nil)
	return r
}

func (w *world) startEcho(h *simnet.Host, id uint32, change func(*Config)) (*running, *Server) {
	w.t.Helper()
	c := w.client(h, change)
	srv := &Server{Handle: "EchoPool", ID: id, Handler: Echo}
	return w.run(c.Stack(), func(ctx context.Context) error {
		defer c.Close()
		return srv.Serve(ctx, c)
	}), srv
}

// until waits for something to become true, on the clock of the bubble.
func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !f(); <-tick.C {
		require.True(w.t, time.Now().Before(end), "it never happens that %s", what)
	}
}

func text(s string) sctp.Message { return sctp.Message{Data: []byte(s)} }
