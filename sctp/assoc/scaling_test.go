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
// Linear is 1; what lies in no cache costs up to five times as much. Whoever looks at all there is pays thousands.
const mostGrowth = 8

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
	b.Logf("nanoseconds of processor time for a unit with %v: %.0f", sizes, best)
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

// BenchmarkScalingSchedulers queues messages of 64 bytes on all streams before any of them is sent, with each scheduler and
// with interleaving: the cost of a message.
func BenchmarkScalingSchedulers(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"FCFS", Config{}},
		{"round robin", Config{Scheduler: SchedulerRoundRobin}},
		{"round robin by packet", Config{Scheduler: SchedulerRoundRobinPacket}},
		{"priority", Config{Scheduler: SchedulerPriority}},
		{"fair capacity", Config{Scheduler: SchedulerFairCapacity}},
		{"weighted fair queueing", Config{Scheduler: SchedulerWeightedFairQueueing}},
		{"interleaved, round robin", Config{Scheduler: SchedulerRoundRobin, Interleaving: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			scaling(b, []int{1, 1000, 65535}, func(streams int) (int, time.Duration) {
				const messages = 65535
				cfg := c.cfg
				cfg.OutboundStreams = 65535
				p, a, _ := established(b, cfg)
				require.Equal(b, cfg.Interleaving, a.Interleaving())
				for i := range streams {
					require.NoError(b, a.SetStreamValue(uint16(i), uint16(1+i%100)))
				}
				data := make([]byte, 64)
				return messages, timed(func() {
					for i := range messages {
						require.NoError(b, a.Send(p.now, Message{Stream: uint16(i % streams), Data: data}))
					}
					p.pump()
					require.Len(b, p.z.msgs, messages)
				})
			})
		})
	}
}

// BenchmarkScalingSize sends messages of several sizes, one at a time: the cost of a DATA chunk, which is the message if it
// fits a packet.
func BenchmarkScalingSize(b *testing.B) {
	for _, c := range []struct {
		name  string
		sizes []int
	}{{"one packet", []int{1, 100, 1000}}, {"many packets", []int{64 << 10, 1 << 20, 16 << 20}}} {
		b.Run(c.name, func(b *testing.B) {
			scaling(b, c.sizes, func(size int) (int, time.Duration) {
				p, a, _ := established(b, Config{})
				sent := a.stats.DataChunksSent
				data := make([]byte, size)
				took := timed(func() {
					for n := 0; n < 64<<20 && a.stats.DataChunksSent-sent < 100_000; n += size {
						require.NoError(b, a.Send(p.now, Message{Data: data}))
						p.pump()
						p.z.msgs = p.z.msgs[:0]
					}
				})
				require.LessOrEqual(b, a.out.count(), 1) // what a SACK has yet to acknowledge
				return int(a.stats.DataChunksSent - sent), took
			})
		})
	}
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

// BenchmarkScalingAssociations has more and more associations between two stacks: the cost of setting up and ending one
// beside them, and of a message of 64 bytes and its SACK on each of them in turn.
func BenchmarkScalingAssociations(b *testing.B) {
	sizes := []int{1, 100, 1000, 10_000}
	b.Run("setup", func(b *testing.B) {
		scaling(b, sizes, func(n int) (int, time.Duration) {
			const more = 1000
			c := newCrowd(b, n)
			return more, timed(func() {
				for range more {
					c.end(c.connect())
				}
			})
		})
	})
	b.Run("message", func(b *testing.B) {
		scaling(b, sizes, func(n int) (int, time.Duration) {
			const messages = 50_000
			c := newCrowd(b, n)
			once := func(i int) {
				a, z := c.a[i%n], c.z[i%n]
				require.NoError(b, a.Send(c.p.now, Message{Data: c.data}))
				c.carry(a, c.p.z.stack).EndBatch(c.p.now)
				m, ok := z.PollMessage()
				require.True(b, ok)
				z.Consumed(c.p.now, 1, len(m.Data))
				z.Recycle(m.Data)
				c.p.now = c.p.now.Add(z.cfg.SackDelay)
				z.HandleTimeout(c.p.now)
				c.carry(z, c.p.a.stack)
			}
			for i := range n { // the first one gets the memory
				once(i)
			}
			return messages, timed(func() {
				for i := range messages {
					once(i)
				}
			})
		})
	})
}

// A crowd is many associations of one pair, from ports of their own.
type crowd struct {
	p    *pair
	a, z []*Association
	buf  []byte // for a packet
	data []byte // a message
}

func newCrowd(tb testing.TB, n int) *crowd {
	c := &crowd{p: newPair(tb, Config{NoNagle: true, HeartbeatInterval: -1}), buf: make([]byte, 65536), data: make([]byte, 64)}
	require.NoError(tb, c.p.z.stack.Listen(5000))
	for range n {
		a, z := c.connect()
		c.a, c.z = append(c.a, a), append(c.z, z)
	}
	return c
}

// connect sets up another association, packet by packet: nothing here looks at the others.
func (c *crowd) connect() (a, z *Association) {
	a, err := c.p.a.stack.Associate(c.p.now, AssociateParams{Remote: addrs("10.0.0.2"), Port: 5000})
	require.NoError(c.p.t, err)
	c.carry(a, c.p.z.stack) // INIT
	t, ok := c.p.z.stack.PollReply(c.buf)
	require.True(c.p.t, ok)
	c.route(t, c.p.a.stack)     // INIT ACK
	z = c.carry(a, c.p.z.stack) // COOKIE ECHO
	for c.carry(z, c.p.a.stack) != nil || c.carry(a, c.p.z.stack) != nil {
		// COOKIE ACK, and whatever follows
	}
	require.Equal(c.p.t, StateEstablished, a.State())
	require.Equal(c.p.t, StateEstablished, z.State())
	for _, x := range []*Association{a, z} {
		for ok := true; ok; _, ok = x.PollEvent() {
		}
	}
	c.p.a.stack.Sync(a)
	c.p.z.stack.Sync(z)
	return a, z
}

// end closes both ends and has the stacks forget them.
func (c *crowd) end(a, z *Association) {
	a.close(nil)
	z.close(nil)
	c.p.a.stack.Sync(a)
	c.p.z.stack.Sync(z)
}

// carry takes a packet of an association to the other stack. It returns nil if there is none.
func (c *crowd) carry(from *Association, to *Stack) *Association {
	t, ok := from.PollTransmit(c.p.now, c.buf)
	if !ok {
		return nil
	}
	return c.route(t, to)
}

func (c *crowd) route(t Transmit, to *Stack) *Association {
	d := Datagram{Local: t.Remote, Remote: t.Local, Data: c.buf[:t.Len]}
	a, _ := to.Route(c.p.now, d)
	if a != nil {
		a.HandlePacket(c.p.now, d)
	}
	return a
}
