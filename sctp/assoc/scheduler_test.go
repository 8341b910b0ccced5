// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A served is one chunk, as a queue under test gave it out.
type served struct {
	stream uint16
	id     wire.PPID
	n      int
	first  bool // of its message
	last   bool
	packet int // in which it was
}

// A queueTest feeds a queue and takes from it, and knows by counting what should
// be in it.
type queueTest struct {
	t       require.TestingT
	a       *Association
	fragSiz int
	room    int // of a packet, in bytes of data

	n       wire.PPID
	waiting map[uint16][]wire.PPID // messages not sent whole, by stream
	left    map[wire.PPID]int
	open    map[wire.PPID]bool
	out     []served
	packet  int
}

func newQueueTest(t require.TestingT, s Scheduler, interleaved bool) *queueTest {
	cfg := Config{}
	a := &Association{cfg: &cfg, outbound: 100, scheduling: scheduling{scheduler: s}}
	a.queue.init(100)
	a.applyScheduler()
	a.queue.setInterleaved(interleaved)
	return &queueTest{
		t: t, a: a, fragSiz: 1000, room: 1000,
		waiting: map[uint16][]wire.PPID{}, left: map[wire.PPID]int{}, open: map[wire.PPID]bool{},
	}
}

func (x *queueTest) push(stream uint16, size int) wire.PPID {
	x.n++
	x.a.queue.push(&Message{Stream: stream, PPID: x.n, Unordered: x.n%3 == 0, Data: make([]byte, size)}, 0)
	x.waiting[stream] = append(x.waiting[stream], x.n)
	x.left[x.n] = size
	return x.n
}

// serve takes the next chunk; ok is false if there is none. It checks what holds
// for every scheduler.
func (x *queueTest) serve() (c served, ok bool) {
	q := &x.a.queue
	m := q.peek()
	require.Equal(x.t, len(x.left) == 0, m == nil, "whoever has something is served")
	if m == nil {
		require.True(x.t, q.empty() && q.blocked())
		return c, false
	}
	n := min(len(m.data)-m.cut, x.fragSiz)
	got, off, flags := q.cutNext(n)
	require.Same(x.t, m, got)
	c = served{m.stream, m.ppid, n, off == 0, flags&wire.DataEnd != 0, x.packet}
	require.Equal(x.t, x.waiting[m.stream][0], m.ppid, "the messages of a stream keep their order")
	require.Equal(x.t, c.first, flags&wire.DataBegin != 0)
	if !q.interleaved() {
		for id := range x.open {
			require.Equal(x.t, id, m.ppid, "a message that has been begun is sent whole (RFC 9260, Section 6.9)")
		}
	}
	x.left[m.ppid] -= n
	x.open[m.ppid] = true
	require.Equal(x.t, c.last, x.left[m.ppid] == 0)
	if c.last {
		delete(x.left, m.ppid)
		delete(x.open, m.ppid)
		x.waiting[m.stream] = x.waiting[m.stream][1:]
	}
	x.out = append(x.out, c)
	q.endPacket()
	x.packet++
	return c, true
}

// A fairness counts what streams are given while both of a pair have something
// to send.
type fairness struct {
	x     *queueTest
	given map[uint16]float64
	since map[[2]uint16]float64 // difference when both began to wait
}

func (f *fairness) check(c served, unit func(served) float64, bound func(a, b uint16) float64) {
	f.given[c.stream] += unit(c)
	for a := range uint16(8) {
		for b := range a {
			pair := [2]uint16{a, b}
			d := f.given[a] - f.given[b]
			if len(f.x.waiting[a]) == 0 || len(f.x.waiting[b]) == 0 {
				delete(f.since, pair)
				continue
			}
			before, ok := f.since[pair]
			if !ok {
				f.since[pair] = d
				continue
			}
			require.LessOrEqual(f.x.t, math.Abs(d-before), bound(a, b)+1e-6, "streams %d and %d, after %d chunks", a, b, len(f.x.out))
		}
	}
}

// drive pushes and serves at random.
func (x *queueTest) drive(t *rapid.T, maxSize int, each func(served)) {
	for range rapid.IntRange(1, 30).Draw(t, "rounds") {
		for range rapid.IntRange(0, 12).Draw(t, "messages") {
			x.push(uint16(rapid.IntRange(0, 5).Draw(t, "stream")), rapid.IntRange(1, maxSize).Draw(t, "size"))
		}
		for range rapid.IntRange(0, 25).Draw(t, "chunks") {
			if c, ok := x.serve(); ok {
				each(c)
			}
		}
	}
	for c, ok := x.serve(); ok; c, ok = x.serve() {
		each(c)
	}
	require.Empty(t, x.left)
}

func bothKinds(t *testing.T, f func(t *testing.T, interleaved bool)) {
	t.Run("DATA", func(t *testing.T) { f(t, false) })
	t.Run("I-DATA", func(t *testing.T) { f(t, true) })
}

// RFC 8260, Section 3.1: "It just passes through the messages in the order in
// which they have been delivered by the application."
func TestFirstComeFirstServed(t *testing.T) {
	bothKinds(t, func(t *testing.T, interleaved bool) {
		rapid.Check(t, func(t *rapid.T) {
			x := newQueueTest(t, SchedulerFCFS, interleaved)
			last := wire.PPID(0)
			x.drive(t, 5000, func(c served) {
				require.LessOrEqual(t, last, c.id)
				last = c.id
			})
		})
	})
}

// Section 3.2: "a fair scheduling based on the number of user messages", or "on
// the number of I-DATA chunks": while two streams have something to send, neither
// is served twice without the other.
func TestRoundRobin(t *testing.T) {
	bothKinds(t, func(t *testing.T, interleaved bool) {
		rapid.Check(t, func(t *rapid.T) {
			x := newQueueTest(t, SchedulerRoundRobin, interleaved)
			f := fairness{x, map[uint16]float64{}, map[[2]uint16]float64{}}
			x.drive(t, 5000, func(c served) {
				f.check(c, func(c served) float64 {
					if interleaved || c.last {
						return 1
					}
					return 0
				}, func(a, b uint16) float64 { return 1 })
			})
		})
	})
}

// The figures of Section 1.1: three chunks on stream 0, three messages on stream
// 1, three chunks on stream 2.
func TestRoundRobinOfTheFigures(t *testing.T) {
	for interleaved, want := range map[bool]string{
		false: "0/0/0 0/0/1 0/0/2 1/0/0 2/0/0 2/0/1 2/0/2 1/1/0 1/2/0",
		true:  "0/0/0 1/0/0 2/0/0 0/0/1 1/1/0 2/0/1 0/0/2 1/2/0 2/0/2",
	} {
		x := newQueueTest(t, SchedulerRoundRobin, interleaved)
		x.push(0, 3000)
		for range 3 {
			x.push(1, 1000)
		}
		x.push(2, 3000)
		var got []string
		fsn, mid := map[wire.PPID]int{}, map[uint16]int{}
		for c, ok := x.serve(); ok; c, ok = x.serve() {
			got = append(got, fmt.Sprintf("%d/%d/%d", c.stream, mid[c.stream], fsn[c.id]))
			if fsn[c.id]++; c.last {
				mid[c.stream]++
			}
		}
		require.Equal(t, want, strings.Join(got, " "))
	}
}

// Section 3.4: "Streams having a higher priority will be scheduled first"; those
// with the same in turn.
func TestStrictPriority(t *testing.T) {
	bothKinds(t, func(t *testing.T, interleaved bool) {
		rapid.Check(t, func(t *rapid.T) {
			x := newQueueTest(t, SchedulerPriority, interleaved)
			f := fairness{x, map[uint16]float64{}, map[[2]uint16]float64{}}
			waitingBefore := map[uint16]bool{}
			note := func() {
				for s, w := range x.waiting {
					waitingBefore[s] = len(w) > 0
				}
			}
			for range rapid.IntRange(1, 40).Draw(t, "rounds") {
				for range rapid.IntRange(0, 6).Draw(t, "messages") {
					x.push(uint16(rapid.IntRange(0, 5).Draw(t, "stream")), rapid.IntRange(1, 3000).Draw(t, "size"))
				}
				if rapid.Bool().Draw(t, "change") {
					s := uint16(rapid.IntRange(0, 5).Draw(t, "stream"))
					require.NoError(t, x.a.SetStreamValue(s, uint16(rapid.IntRange(0, 3).Draw(t, "value"))))
					f.since = map[[2]uint16]float64{}
				}
				for range rapid.IntRange(0, 10).Draw(t, "chunks") {
					note()
					c, ok := x.serve()
					if !ok {
						break
					}
					if interleaved || c.first {
						for s, waits := range waitingBefore {
							if waits {
								require.LessOrEqual(t, x.a.StreamValue(c.stream), x.a.StreamValue(s), "stream %d before %d", c.stream, s)
							}
						}
					}
					f.check(c, func(c served) float64 {
						if interleaved || c.last {
							return 1
						}
						return 0
					}, func(a, b uint16) float64 {
						if x.a.StreamValue(a) == x.a.StreamValue(b) {
							return 1
						}
						return math.Inf(1)
					})
				}
			}
		})
	})
}

// Section 3.5: "maintain an equal capacity for all streams"; 3.6: "If the weight
// of stream S1 is n times the weight of stream S2, the scheduler should assign to
// stream S1 n times the capacity it assigns to stream S2": over any time in which
// both have something to send, up to one piece of each, and one that was under
// way when that time began.
func TestFairQueueing(t *testing.T) {
	const maxSize = 5000
	for _, s := range []Scheduler{SchedulerFairCapacity, SchedulerWeightedFairQueueing} {
		bothKinds(t, func(t *testing.T, interleaved bool) {
			rapid.Check(t, func(t *rapid.T) {
				x := newQueueTest(t, s, interleaved)
				weight := func(s uint16) float64 { return 1 }
				if s == SchedulerWeightedFairQueueing {
					for id := range uint16(6) {
						require.NoError(t, x.a.SetStreamValue(id, uint16(rapid.SampledFrom([]int{0, 1, 2, 3, 7, 100}).Draw(t, "weight"))))
					}
					weight = func(s uint16) float64 { return float64(max(x.a.StreamValue(s), 1)) }
				}
				piece := float64(maxSize)
				if interleaved {
					piece = 1000
				}
				f := fairness{x, map[uint16]float64{}, map[[2]uint16]float64{}}
				sent := map[wire.PPID]int{}
				x.drive(t, maxSize, func(c served) {
					sent[c.id] += c.n
					f.check(c, func(c served) float64 {
						switch {
						case interleaved:
							return float64(c.n) / weight(c.stream)
						case c.last:
							return float64(sent[c.id]) / weight(c.stream)
						}
						return 0
					}, func(a, b uint16) float64 { return 2 * (piece/weight(a) + piece/weight(b)) })
				})
			})
		})
	}
}

// In the long run the shares are what the weights say, whatever the sizes of the
// messages, and what was not used before does not count.
func TestWeightedShares(t *testing.T) {
	bothKinds(t, func(t *testing.T, interleaved bool) {
		x := newQueueTest(t, SchedulerWeightedFairQueueing, interleaved)
		weights := []uint16{1, 2, 7}
		for id, w := range weights {
			require.NoError(t, x.a.SetStreamValue(uint16(id), w))
		}
		for range 1000 { // stream 0 alone
			x.push(0, 1000)
			x.serve()
		}
		given := map[uint16]int{}
		total := 0
		for total < 10_000_000 {
			for id, size := range []int{5000, 100, 1700} {
				for len(x.waiting[uint16(id)]) < 60 {
					x.push(uint16(id), size)
				}
			}
			c, _ := x.serve()
			given[c.stream] += c.n
			total += c.n
		}
		for id, w := range weights {
			require.InEpsilon(t, float64(w)/10, float64(given[uint16(id)])/float64(total), 0.01)
		}
		require.NoError(t, x.a.SetStreamValue(0, 90)) // while it waits
		clear(given)
		for range 20_000 {
			for id, size := range []int{5000, 100, 1700} {
				for len(x.waiting[uint16(id)]) < 60 {
					x.push(uint16(id), size)
				}
			}
			c, _ := x.serve()
			given[c.stream] += c.n
		}
		require.InEpsilon(t, 45, float64(given[0])/float64(given[1]), 0.1)
	})
}

// The scheduler and the values change at any time, the fence of a stream reset
// goes up and comes down, messages are taken out: nothing is lost, nothing comes
// out of order, and, with DATA chunks, no message is cut by another.
func TestSchedulerChanges(t *testing.T) {
	bothKinds(t, func(t *testing.T, interleaved bool) {
		rapid.Check(t, func(t *rapid.T) {
			x := newQueueTest(t, Scheduler(rapid.IntRange(0, schedulers-1).Draw(t, "scheduler")), interleaved)
			q := &x.a.queue
			for range rapid.IntRange(1, 60).Draw(t, "steps") {
				stream := uint16(rapid.IntRange(0, 4).Draw(t, "stream"))
				switch rapid.IntRange(0, 7).Draw(t, "what") {
				case 0:
					require.NoError(t, x.a.SetScheduler(Scheduler(rapid.IntRange(0, schedulers-1).Draw(t, "scheduler"))))
				case 1:
					require.NoError(t, x.a.SetStreamValue(stream, uint16(rapid.IntRange(0, 3).Draw(t, "value"))))
				case 2:
					if q.fenced {
						q.liftFence()
						break
					}
					q.setFence()
				case 3: // some are given up
					doomed := wire.PPID(rapid.IntRange(0, 9).Draw(t, "doomed"))
					x.a.sweep(func(m *outMessage) bool { return m.ppid%10 == doomed })
					for s, list := range x.waiting {
						var kept []wire.PPID
						for _, id := range list {
							if id%10 == doomed && !x.open[id] {
								delete(x.left, id)
							} else {
								kept = append(kept, id)
							}
						}
						x.waiting[s] = kept
					}
				case 4: // what was begun is
					for _, m := range q.begun() {
						q.remove(m)
						x.waiting[m.stream] = x.waiting[m.stream][1:]
						delete(x.left, m.ppid)
						delete(x.open, m.ppid)
					}
				default:
					x.push(stream, rapid.IntRange(1, 4000).Draw(t, "size"))
				}
				require.Equal(t, len(x.left), q.len())
				unsent := 0
				for _, n := range x.left {
					unsent += n
				}
				require.Equal(t, unsent, q.unsent)
				for range rapid.IntRange(0, 6).Draw(t, "chunks") {
					if q.fenced && q.atFence() {
						require.True(t, q.blocked())
						break
					}
					if _, ok := x.serve(); !ok {
						break
					}
				}
			}
			q.liftFence()
			for _, ok := x.serve(); ok; _, ok = x.serve() {
			}
			require.Empty(t, x.left)
		})
	})
}

// Section 3.3: "It bundles only DATA or I-DATA chunks referring to the same stream
// in a packet": also what is sent again. No stream waits for ever for another
// whose messages begin and end in the middle of packets.
func TestRoundRobinPerPacket(t *testing.T) {
	bothKinds(t, func(t *testing.T, interleaved bool) {
		cfg := interleaving(SchedulerRoundRobinPacket)
		cfg.Interleaving = interleaved
		p := newPair(t, cfg)
		a, z := p.connect()
		var streams []uint16
		packets := 0
		p.a.filter = func(d Datagram) bool {
			var in []uint16
			for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
				if c.Type != wire.ChunkData && c.Type != wire.ChunkIData {
					continue
				}
				x, err := a.parseInData(c)
				require.NoError(t, err)
				in = append(in, x.Stream)
			}
			for _, s := range in {
				require.Equal(t, in[0], s, "one stream in a packet")
			}
			if len(in) == 0 {
				return true
			}
			streams = append(streams, in[0])
			packets++
			return packets%11 != 0
		}
		for range 40 {
			for id := range uint16(4) {
				require.NoError(t, a.Send(p.now, Message{Stream: id, Data: make([]byte, []int{2000, 300, 1399, 5}[id])}))
			}
		}
		p.pump()
		p.run(time.Minute)
		require.Len(t, p.z.msgs, 160)
		quiet(t, a, z)
		seen := map[uint16]int{}
		for i, s := range streams[:40] {
			seen[s] = i
		}
		require.Len(t, seen, 4, "all streams have had a turn: %v", streams[:40])
	})
}

func TestSchedulerErrors(t *testing.T) {
	for _, s := range []Scheduler{-1, schedulers} {
		_, err := Config{Scheduler: s}.WithDefaults()
		require.ErrorContains(t, err, "Scheduler")
		require.Equal(t, "invalid", s.String())
	}
	p := newPair(t, Config{Scheduler: SchedulerPriority})
	a, _ := p.connect()
	require.Equal(t, SchedulerPriority, a.Scheduler())
	require.Error(t, a.SetScheduler(schedulers))
	require.Equal(t, SchedulerPriority, a.Scheduler())
	require.ErrorIs(t, a.SetStreamValue(1024, 1), ErrInvalidStream)
	require.NoError(t, a.SetStreamValue(1023, 7))
	require.EqualValues(t, 7, a.StreamValue(1023))
	require.NoError(t, a.SetStreamValue(1023, 0))
	require.Zero(t, a.StreamValue(1023))
	require.Empty(t, a.scheduling.values)
}

// A stream that gets something to send while a message of another one is under
// way begins where that one did: it has nothing saved from before.
func TestFairQueueingJoinsWithinAMessage(t *testing.T) {
	x := newQueueTest(t, SchedulerFairCapacity, false)
	for range 2 {
		x.push(0, 5000)
		x.push(1, 5000)
	}
	for range 11 { // all of the first two, and a piece of the third
		_, ok := x.serve()
		require.True(t, ok)
	}
	for range 10 {
		x.push(2, 1000)
	}
	before := 0
	for len(x.waiting[1]) > 0 {
		c, _ := x.serve()
		if c.stream == 2 {
			before++
		}
	}
	require.Less(t, before, 2, "messages of the new stream before the one that has waited")
}
