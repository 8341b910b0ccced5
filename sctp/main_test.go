// SPDX-License-Identifier: Apache-2.0

package sctp

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

	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("seed", 1, "seed of randomised tests")

// TestMain fails if a goroutine of this package outlives the tests.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if left := leaked(5 * time.Second); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks of goroutines in our code, other than the caller,
// which have not ended within the limit.
func leaked(limit time.Duration) string {
	var left []string
	for end := time.Now().Add(limit); time.Now().Before(end); runtime.Gosched() {
		left = left[:0]
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		for i, g := range strings.Split(string(buf), "\n\n") {
			if i > 0 && (strings.Contains(g, "rserpool/sctp.") || strings.Contains(g, "rserpool/udpencap.")) {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// A world is two stacks on a virtual network.
type world struct {
	t    *testing.T
	net  *simnet.Net
	segs []*simnet.Segment
	a, b *Stack
	ha   *simnet.Host
	hb   *simnet.Host
}

// newWorld makes stacks with the given number of paths between them. The
// tests of a bubble call it inside.
func newWorld(t *testing.T, paths int, cfg Config) *world {
	t.Helper()
	w := &world{t: t, net: simnet.New(*seed)}
	w.ha, w.hb, w.segs = w.net.Pair(paths)
	w.a = w.stack(w.ha, cfg, 1)
	w.b = w.stack(w.hb, cfg, 2)
	return w
}

func (w *world) stack(h *simnet.Host, cfg Config, n uint64) *Stack {
	w.t.Helper()
	cfg.Network = h.Network()
	cfg.Rand = rand.New(rand.NewPCG(*seed, n))
	s, err := NewStack(&cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { s.Close() })
	return s
}

// addr is that of an SCTP port on b.
func (w *world) addr(port uint16) *Addr { return &Addr{IPs: w.b.Addrs(), Port: port} }

// connect returns both ends of an association, dialled by a.
func (w *world) connect() (ca, cb *Conn) {
	w.t.Helper()
	l, err := w.b.Listen(5000)
	require.NoError(w.t, err)
	return w.connectTo(l)
}

func (w *world) connectTo(l *Listener) (ca, cb *Conn) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ca, err := w.a.Dial(ctx, w.addr(l.port))
	require.NoError(w.t, err)
	cb, err = l.Accept(ctx)
	require.NoError(w.t, err)
	return ca, cb
}

// loopback connects two stacks over real sockets.
func loopback(tb testing.TB, cfg Config) (ca, cb *Conn) {
	tb.Helper()
	return loopbackAt(tb, cfg, "127.0.0.1")
}

// loopbackAt is loopback with several addresses, the same for both ends.
func loopbackAt(tb testing.TB, cfg Config, addrs ...string) (ca, cb *Conn) {
	tb.Helper()
	for _, a := range addrs {
		cfg.LocalAddrs = append(cfg.LocalAddrs, netip.MustParseAddr(a))
	}
	cfg.EncapPort = -1
	b, err := NewStack(&cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { b.Close() })
	a, err := NewStack(&cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { a.Close() })
	l, err := b.Listen(0)
	require.NoError(tb, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ca, err = a.Dial(ctx, l.Addr())
	require.NoError(tb, err)
	cb, err = l.Accept(ctx)
	require.NoError(tb, err)
	return ca, cb
}

func text(s string) Message { return Message{Data: []byte(s)} }

// within returns a context for what should happen soon.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
