// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/bench/worker"
	"github.com/rserpool/rserpool/sctp/wire"
)

// mostGrowth is how much dearer the work for one packet or message may become from the smallest to the largest case.
// Linear is 1; what is larger than the caches costs more.
const mostGrowth = 4

// scaling runs the cases of a benchmark in turn and compares what a unit of each costs, in nanoseconds of processor
// time.
func scaling(b *testing.B, sizes []int, run func(n int) (units int, took time.Duration)) {
	const rounds = 3
	best := make([]float64, len(sizes))
	for b.Loop() {
		for range rounds {
			for i, n := range sizes {
				units, took := run(n)
				x := float64(took.Nanoseconds()) / float64(units)
				if best[i] == 0 || x < best[i] {
					best[i] = x
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, n := range sizes {
		b.ReportMetric(best[i], fmt.Sprintf("ns@%d", n))
	}
	if x := best[len(best)-1] / best[0]; x > mostGrowth {
		b.Errorf("a unit costs %.1f times as much with %d as with %d", x, sizes[len(sizes)-1], sizes[0])
	}
}

// timed is the processor time of f.
func timed(f func()) time.Duration {
	start := worker.CPUTime()
	f()
	return worker.CPUTime() - start
}

// established is a pair whose windows are no limit.
func established(tb testing.TB, cfg Config) (p *pair, a, z *Association) {
	cfg.NoNagle, cfg.MaxBurst, cfg.HeartbeatInterval = true, -1, -1
	cfg.SendBuffer, cfg.RecvBuffer = 256<<20, 256<<20
	p = newPair(tb, cfg)
	p.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
	p.z.stack.SetLocalAddrs(addrs("10.0.0.2"))
	a, z = p.connect()
	a.primary.cc.cwnd = 256 << 20
	return p, a, z
}

// BenchmarkScalingStreams sends messages of 64 bytes on one stream, and on many in turn: the cost of a message.
func BenchmarkScalingStreams(b *testing.B) {
	scaling(b, []int{1, 1000, 65535}, func(streams int) (int, time.Duration) {
		const messages = 200_000
		p, a, _ := established(b, Config{OutboundStreams: 65535})
		return messages, timed(func() {
			for i := range messages {
				m := Message{Stream: uint16(i % streams), Data: make([]byte, 64)}
				require.NoError(b, a.Send(p.now, m))
				if i%1000 == 999 {
					p.pump()
					p.z.msgs = p.z.msgs[:0]
				}
			}
		})
	})
}

// BenchmarkScalingSize sends messages of several sizes: the cost of a DATA chunk.
func BenchmarkScalingSize(b *testing.B) {
	scaling(b, []int{1, 1000, 64 << 10, 1 << 20, 16 << 20}, func(size int) (int, time.Duration) {
		p, a, _ := established(b, Config{})
		sent := a.stats.DataChunksSent
		data := make([]byte, size)
		took := timed(func() {
			for n := 0; n < 32<<20 && a.stats.DataChunksSent-sent < 30_000; n += size {
				require.NoError(b, a.Send(p.now, Message{Data: data}))
				if n/size%20 == 0 || size > 4096 {
					p.pump()
				}
			}
			p.pump()
		})
		require.NotEmpty(b, p.z.msgs)
		return int(a.stats.DataChunksSent - sent), took
	})
}

// BenchmarkScalingOutOfOrder receives the fragments of one message in any order and backwards, and single messages of
// one stream backwards: the cost of a DATA chunk.
func BenchmarkScalingOutOfOrder(b *testing.B) {
	for _, c := range []struct {
		name   string
		order  func(n, i int) int
		single bool
	}{
		{"fragments backwards", func(n, i int) int { return n - 1 - i }, false},
		{"fragments in blocks", func(n, i int) int { return i ^ 1 }, false},
		{"messages backwards", func(n, i int) int { return n - 1 - i }, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			scaling(b, []int{16, 256, 4096, 32768}, func(n int) (int, time.Duration) {
				rounds := max(1, 32768/n)
				payload := make([]byte, 100)
				var r reassembler
				r.init(1)
				once := func(rounds, from int) {
					for k := from; k < from+rounds; k++ {
						for i := range n {
							at := c.order(n, i)
							d := wire.Data{TSN: wire.TSN(k*n + at), SSN: wire.SSN(k), Payload: payload}
							if c.single {
								d.SSN, d.Flags = wire.SSN(k*n+at), wire.DataBegin|wire.DataEnd
							}
							if at == 0 {
								d.Flags |= wire.DataBegin
							}
							if at == n-1 {
								d.Flags |= wire.DataEnd
							}
							if !r.add(&d, netip.AddrPort{}) {
								b.Fatal("a fragment is refused")
							}
						}
						for m, ok := r.ready.pop(); ok; m, ok = r.ready.pop() {
							r.pool.put(m.Data)
						}
					}
				}
				once(1, 0) // which gets the memory
				took := timed(func() { once(rounds, 1) })
				require.Zero(b, r.heldRuns)
				return rounds * n, took
			})
		})
	}
}

// BenchmarkScalingLoss sends with 1 % of the packets lost, and more and more of them in flight: the cost of a packet at
// both ends.
func BenchmarkScalingLoss(b *testing.B) {
	for name, detection := range map[string]LossDetection{"standard": LossDetectionStandard, "RACK": LossDetectionRACK} {
		b.Run(name, func(b *testing.B) {
			scaling(b, []int{100, 1000, 10_000, 30_000}, func(window int) (int, time.Duration) {
				const packets = 64 * 1000
				p, a, z := established(b, Config{LossDetection: detection})
				rng := rand.New(rand.NewPCG(1, 1))
				p.a.filter = func(Datagram) bool { return rng.Float64() >= 0.01 }
				data := make([]byte, 1000)
				sent := 0
				took := timed(func() {
					for z.reassembly.delivered < packets {
						a.primary.cc.cwnd, a.primary.cc.ssthresh = window*1016, window*1016
						for sent < packets && a.primary.flightSize < a.primary.cc.cwnd && a.queue.len() < 64 {
							for range 64 {
								require.NoError(b, a.Send(p.now, Message{Data: data}))
							}
							sent += 64
							p.flush(p.a)
						}
						// One SACK for 20 packets, and the rest of the window on its way.
						in := p.z.inbox
						k := min(20, len(in))
						p.z.inbox = in[:k:k]
						p.deliver(p.z)
						p.flush(p.z)
						p.z.msgs, p.z.inbox = p.z.msgs[:0], in[k:]
						p.deliver(p.a)
						p.flush(p.a)
						p.now = p.now.Add(100 * time.Microsecond)
						if at, ok := a.Deadline(); ok && !at.After(p.now) {
							a.HandleTimeout(p.now)
						}
					}
				})
				return packets, took
			})
		})
	}
}
