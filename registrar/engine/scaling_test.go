// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// The promise of docs/PERFORMANCE.md: the size of a pool costs a handle resolution at most this factor.
const mostSlowdown = 3.0

// BenchmarkResolutionScaling compares handle resolutions in pools of 10, 1000 and 100,000 elements, bytes in and bytes
// out. The sizes take turns in every round, so that a busy machine is busy for all of them; the metrics are the medians
// in resolutions per second, and the highest divided by the lowest. It fails above the promised factor.
func BenchmarkResolutionScaling(b *testing.B) {
	const rounds, perRound = 21, 10_000 // every element of 100,000 is met
	sizes := []int{10, 1000, 100_000}
	for _, p := range benchmarked {
		scenes := make([]*scene, len(sizes))
		for i, n := range sizes {
			scenes[i] = benchmarkScene(b, p, n)
		}
		for _, items := range []uint32{1, 3} {
			b.Run(fmt.Sprintf("%s/items=%d", p.Short(), items), func(b *testing.B) {
				req, err := resolve("BenchmarkPool", items).AppendBinary(nil)
				require.NoError(b, err)
				rates := make([][]float64, len(sizes))
				for b.Loop() {
					runtime.GC()
					for round := range rounds {
						for i, s := range scenes {
							began := time.Now()
							for range perRound {
								s.e.HandleASAP(s.now, 1, req)
								drain(s.e)
							}
							if took := time.Since(began); round > 0 { // the first one warms up
								rates[i] = append(rates[i], perRound/took.Seconds())
							}
						}
					}
				}
				medians := make([]float64, len(sizes))
				for i, n := range sizes {
					slices.Sort(rates[i])
					medians[i] = rates[i][len(rates[i])/2]
					b.ReportMetric(medians[i], fmt.Sprintf("per_s:%d", n))
				}
				factor := slices.Max(medians) / slices.Min(medians)
				b.ReportMetric(factor, "×")
				b.ReportMetric(0, "ns/op") // the time of all rounds means nothing
				if factor > mostSlowdown {
					b.Fatalf("the size of the pool costs a factor of %.2f, want at most %.1f", factor, mostSlowdown)
				}
			})
		}
	}
}

// benchmarked are the policies of the benchmarks.
var benchmarked = []param.PolicyType{param.RoundRobin, param.WeightedRoundRobin, param.Random, param.WeightedRandom, param.LeastUsed}

// benchmarkScene has a pool of n elements, registered over association 1.
func benchmarkScene(b *testing.B, p param.PolicyType, n int) *scene {
	s := newScene(b, func(c *Config) { c.MaxElementsPerAssoc = -1 })
	s.e.HandleAssocUp(s.now, 1, ProtocolASAP, host("10.0.0.1"))
	for i := range uint32(n) {
		m := with(reg("BenchmarkPool", i+1, "10.0.0.1"), func(pe *param.PoolElement) {
			pe.Policy = param.Policy{Type: p}
			switch p {
			case param.WeightedRoundRobin, param.WeightedRandom:
				pe.Policy.Weight = 1 + i%10
			case param.LeastUsed:
				pe.Policy.Load = i * 7919
			}
		})
		enc, err := m.AppendBinary(nil)
		require.NoError(b, err)
		s.e.HandleASAP(s.now, 1, enc)
		drain(s.e)
	}
	require.Equal(b, n, s.e.Stats().Elements)
	return s
}
