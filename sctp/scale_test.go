// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	scale = 10_000
	// maxIdleBytes is what an idle association may take.
	maxIdleBytes = 8 << 10
)

// memoryInUse is what the heap and the stacks of goroutines take.
func memoryInUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// BenchmarkTenThousandAssociations has two stacks with 10 000 associations between
// them over loopback: it measures how fast they are set up, one after the other and
// many at once, what one takes while it is idle, and what its HEARTBEATs cost.
func BenchmarkTenThousandAssociations(b *testing.B) {
	cfg := Config{
		LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1,
		Backlog: scale, HeartbeatInterval: 10 * time.Second,
	}
	z, err := NewStack(&cfg)
	require.NoError(b, err)
	defer z.Close()
	a, err := NewStack(&cfg)
	require.NoError(b, err)
	defer a.Close()
	l, err := z.Listen(7)
	require.NoError(b, err)
	ctx := context.Background()
	dial := func() *Conn {
		c, err := a.Dial(ctx, l.Addr())
		require.NoError(b, err)
		return c
	}
	dial().Abort("to have all there what there is once")
	_, err = l.Accept(ctx)
	require.NoError(b, err)

	for b.Loop() {
		before, goroutines := memoryInUse(), runtime.NumGoroutine()
		conns := make([]*Conn, 0, 2*scale)
		start := time.Now()
		for range scale / 10 {
			conns = append(conns, dial())
		}
		b.ReportMetric(scale/10/time.Since(start).Seconds(), "setups/s")

		start = time.Now()
		var mu sync.Mutex
		var wg sync.WaitGroup
		left := make(chan struct{}, scale)
		for range scale - scale/10 {
			left <- struct{}{}
		}
		close(left)
		for range 100 {
			wg.Go(func() {
				for range left {
					c := dial()
					mu.Lock()
					conns = append(conns, c)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		b.ReportMetric((scale-scale/10)/time.Since(start).Seconds(), "setups/s-at-once")
		for range scale {
			c, err := l.Accept(ctx)
			require.NoError(b, err)
			conns = append(conns, c)
		}
		idle := (memoryInUse() - before) / len(conns)
		b.ReportMetric(float64(idle), "B/association")
		require.Less(b, idle, maxIdleBytes)
		require.LessOrEqual(b, runtime.NumGoroutine(), goroutines)

		sent, cpu, begin := heartbeats(conns), processTime(), time.Now()
		time.Sleep(12 * time.Second)
		n := heartbeats(conns) - sent
		cpu = processTime() - cpu
		b.ReportMetric(cpu.Seconds()/time.Since(begin).Seconds()*100, "%CPU-idle")
		b.ReportMetric(float64(cpu.Nanoseconds())/float64(n)/1000, "CPU-µs/heartbeat")
		require.Greater(b, n, uint64(len(conns)/2), "HEARTBEATs are sent")
		for _, c := range conns {
			require.Zero(b, c.Paths()[0].ErrorCount, "and answered")
		}
		b.ReportMetric(float64((memoryInUse()-before)/len(conns)), "B/association-later")
		for _, c := range conns {
			c.Abort("")
		}
	}
}

func heartbeats(conns []*Conn) (n uint64) {
	for _, c := range conns {
		n += c.Stats().HeartbeatsSent
	}
	return n
}

// BenchmarkScalingAssociations has 10, 1000 and 10 000 associations between two stacks over loopback, and measures what
// setting up another one and a message of 64 bytes on each of them in turn cost, in processor time of both ends. It
// fails if either is mostGrowth times as dear with the most.
func BenchmarkScalingAssociations(b *testing.B) {
	const mostGrowth = 4
	ctx := context.Background()
	for b.Loop() {
		var setup, message []time.Duration
		for _, n := range []int{10, 1000, scale} {
			cfg := Config{LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1, Backlog: scale, HeartbeatInterval: -1}
			z, err := NewStack(&cfg)
			require.NoError(b, err)
			a, err := NewStack(&cfg)
			require.NoError(b, err)
			l, err := z.Listen(7)
			require.NoError(b, err)
			var from, to []*Conn
			connect := func(n int) time.Duration {
				cpu := processTime()
				for range n {
					c, err := a.Dial(ctx, l.Addr())
					require.NoError(b, err)
					d, err := l.Accept(ctx)
					require.NoError(b, err)
					from, to = append(from, c), append(to, d)
				}
				return (processTime() - cpu) / time.Duration(n)
			}
			connect(n)
			runtime.GC()
			setup = append(setup, connect(500))
			const messages = 30_000
			data, buf := make([]byte, 64), make([]byte, 64)
			var cpu time.Duration
			for i := range scale + messages {
				if i == scale { // the first one gets the memory
					cpu = processTime()
				}
				require.NoError(b, from[i%len(from)].Send(ctx, Message{Data: data}))
				_, err := to[i%len(to)].RecvBuf(ctx, buf)
				require.NoError(b, err)
			}
			message = append(message, (processTime()-cpu)/messages)
			a.Close()
			z.Close()
		}
		b.ReportMetric(0, "ns/op")
		for _, m := range []struct {
			name string
			d    []time.Duration
		}{{"setup", setup}, {"message", message}} {
			b.Logf("%s: %v with 10, 1000 and %d associations", m.name, m.d, scale)
			if x := float64(m.d[2]) / float64(m.d[0]); x > mostGrowth {
				b.Errorf("%s: %.1f times as dear with %d associations", m.name, x, scale)
			}
		}
	}
}
