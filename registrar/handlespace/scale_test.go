// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Large pools, and many small ones, stay consistent and within 2 KiB per element, two addresses and all.
func TestHundredThousandElements(t *testing.T) {
	const n, limit = 100_000, 2048
	for _, perPool := range []int{n, 10, 1} {
		t.Run(fmt.Sprintf("%d per pool", perPool), func(t *testing.T) {
			r := random(t)
			before := heap()
			s := New(Config{Rand: r})
			start := time.Unix(0, 0)
			for i := range n {
				h := param.PoolHandle(fmt.Sprintf("Pool%d", i/perPool))
				pe := element(r.Uint32(), uint32(i%10), policy.LeastUsed{Load: r.Uint32()})
				pe.ASAPTransport = &param.Transport{Protocol: param.SCTP, Port: 9, Addrs: pe.UserTransport.Addrs}
				e := mustRegister(t, s, h, pe, uint64(i+1)).Element
				s.SetTimer(e, TimerLife, start.Add(time.Duration(r.IntN(1e9))))
				s.SetTimer(e, TimerKeepAlive, start.Add(time.Duration(i)))
			}
			bytes := (heap() - before) / uint64(s.NumElements())
			t.Logf("%d bytes per pool element", bytes)
			require.LessOrEqual(t, bytes, uint64(limit))
			for home := range uint32(10) {
				require.Equal(t, naiveChecksum(walk(s, WalkOwned(home))), s.Checksum(home))
			}
			for e, k := s.Expire(start.Add(time.Second)); e != nil; e, k = s.Expire(start.Add(time.Second)) {
				if k == TimerLife {
					s.Remove(e)
				}
			}
			require.Zero(t, s.NumElements())
			checkSpace(t, s)
		})
	}
}

func benchmarkSpace(b *testing.B, n int, p func(i int) policy.Policy) *Space {
	r := random(b)
	s := New(Config{Rand: r})
	for i := range n {
		mustRegister(b, s, "Pool", element(r.Uint32(), 1, p(i)), uint64(i+1))
	}
	return s
}

var benchPolicies = []struct {
	name string
	of   func(i int) policy.Policy
}{
	{"RR", func(int) policy.Policy { return policy.RoundRobin{} }},
	{"WRR", func(i int) policy.Policy { return policy.WeightedRoundRobin{Weight: uint32(1 + i%10)} }},
	{"RAND", func(int) policy.Policy { return policy.Random{} }},
	{"WRAND", func(i int) policy.Policy { return policy.WeightedRandom{Weight: uint32(1 + i%10)} }},
	{"PRIO", func(i int) policy.Policy { return policy.Priority{Priority: uint32(i % 10)} }},
	{"LU", func(i int) policy.Policy { return policy.LeastUsed{Load: uint32(i % 10)} }},
	{"LUD", func(i int) policy.Policy {
		return policy.LeastUsedDegradation{Load: uint32(i % 10), Degradation: uint32(1 + i%7)}
	}},
	{"PLU", func(i int) policy.Policy {
		return policy.PriorityLeastUsed{Load: uint32(i % 10), Degradation: uint32(1 + i%7)}
	}},
	{"RLU", func(i int) policy.Policy {
		return policy.RandomizedLeastUsed{Load: policy.Fraction(float64(i%10) / 10)}
	}},
}

// BenchmarkResolve is a handle resolution for 3 elements.
func BenchmarkResolve(b *testing.B) {
	for _, p := range benchPolicies {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", p.name, n), func(b *testing.B) {
				s := benchmarkSpace(b, n, p.of)
				var dst []*Element
				b.ReportAllocs()
				for b.Loop() {
					dst, _ = s.Resolve(dst[:0], "Pool", 3)
				}
			})
		}
	}
}

// BenchmarkRegister is the registration of a new element in a pool of n, and its deregistration.
func BenchmarkRegister(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := benchmarkSpace(b, n, func(i int) policy.Policy { return policy.LeastUsed{Load: uint32(i)} })
			r := random(b)
			pe := element(0, 1, policy.LeastUsed{})
			b.ReportAllocs()
			for b.Loop() {
				pe.ID, pe.Policy.Load = r.Uint32(), r.Uint32()%uint32(n)
				reg, err := s.Register("Pool", pe, 1<<40)
				if err != nil {
					b.Fatal(err)
				}
				if reg.New {
					s.Remove(reg.Element)
				}
			}
		})
	}
}

// BenchmarkReregister is a re-registration with another load, and the restart of the timer of its life.
func BenchmarkReregister(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := benchmarkSpace(b, n, func(i int) policy.Policy { return policy.LeastUsed{Load: uint32(i)} })
			r := random(b)
			es := walk(s, WalkAll())
			now := time.Unix(0, 0)
			b.ReportAllocs()
			for b.Loop() {
				e := es[r.IntN(len(es))]
				pe := *e.PE()
				pe.Policy.Load = r.Uint32() % uint32(n)
				if _, err := s.Register("Pool", pe, e.Assoc()); err != nil {
					b.Fatal(err)
				}
				now = now.Add(time.Millisecond)
				s.SetTimer(e, TimerLife, now.Add(5*time.Minute))
			}
		})
	}
}
