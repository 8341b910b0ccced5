// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	rounds = flag.Int("rounds", 7, "how often the contenders of a benchmark alternate")
	slice  = flag.Duration("slice", 400*time.Millisecond, "how long a contender runs in each round")
)

// The floors: what is promised of package sctp in relation to pion/sctp. A benchmark fails if the
// median over its rounds is on the wrong side.
const (
	leastThroughput = 2.0 // times Pion's, of messages of 1 KiB and 64 KiB
	mostCPU         = 1.0 // times Pion's processor time per byte of these
	leastRoundTrips = 1.0 // times Pion's, of 64 bytes
)

// contenders take turns in each round. The first is measured against the second.
var contenders = []contender{ours, pionBest, oursPlain}

// BenchmarkThroughput sends messages of one size one way over one association. The metrics are
// medians: MB/s (10^6 bytes of payload), CPU-s/GB and objects allocated per message of both ends, and
// ours divided by Pion's.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			rate, cpu, objects := newTable("MB/s"), newTable("CPU-s/GB"), newTable("allocs/msg")
			alternate(b, func(c contender, l link) error {
				t, err := bulk(l, size, *slice)
				rate.add(c, t.mbPerSecond())
				cpu.add(c, t.cpuPerGB())
				objects.add(c, t.mallocsEach())
				return err
			})
			rate.report(b)
			cpu.report(b)
			objects.report(b)
			if size >= 1<<10 {
				if x := rate.ratio(); x < leastThroughput {
					b.Errorf("throughput is %.2f times Pion's, want %.1f", x, leastThroughput)
				}
				if x := cpu.ratio(); x > mostCPU {
					b.Errorf("processor time per byte is %.2f times Pion's, want at most %.1f", x, mostCPU)
				}
			}
		})
	}
}

// BenchmarkPingPong sends 64 bytes there and back again, one message at a time. The metrics are
// medians: round trips per second, µs of processor time of both ends for each, and ours divided by
// Pion's.
func BenchmarkPingPong(b *testing.B) {
	rate, cpu := newTable("trips/s"), newTable("CPU-µs/trip")
	alternate(b, func(c contender, l link) error {
		r, err := pingPong(l, 64, *slice)
		rate.add(c, r.perSecond())
		cpu.add(c, r.cpuEach())
		return err
	})
	rate.report(b)
	cpu.report(b)
	if x := rate.ratio(); x < leastRoundTrips {
		b.Errorf("round trips are %.2f times Pion's, want %.1f", x, leastRoundTrips)
	}
}

// alternate gives each contender a new association in each round.
func alternate(b *testing.B, measure func(contender, link) error) {
	for b.Loop() {
		for range *rounds {
			for _, c := range contenders {
				if err := one(b.Context(), c, func(l link) error { return measure(c, l) }); err != nil {
					b.Fatalf("%s: %v", c.name, err)
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op") // the time of all rounds means nothing
}

func one(ctx context.Context, c contender, measure func(link) error) error {
	l, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	return measure(l)
}

// A table holds what each contender reached in each round.
type table struct {
	unit   string
	values map[string][]float64
}

func newTable(unit string) *table { return &table{unit, make(map[string][]float64)} }

func (t *table) add(c contender, x float64) { t.values[c.name] = append(t.values[c.name], x) }

// ratio is the median of the rounds' ratios of the first contender to the second.
func (t *table) ratio() float64 { return t.ratioOf(contenders[0]) }

func (t *table) ratioOf(c contender) float64 {
	base := t.values[contenders[1].name]
	var r []float64
	for i, x := range t.values[c.name] {
		r = append(r, x/base[i])
	}
	return median(r)
}

func (t *table) report(b *testing.B) {
	for _, c := range contenders {
		v := t.values[c.name]
		b.ReportMetric(median(v), c.name+"-"+t.unit)
		b.Logf("%-11s %12.2f %-11s (%.2f to %.2f, n=%d), pion × %.2f",
			c.name, median(v), t.unit, slices.Min(v), slices.Max(v), len(v), t.ratioOf(c))
	}
	b.ReportMetric(t.ratio(), "×pion-"+t.unit)
}

// median of at least one value; of an even number the mean of the middle two.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func TestMedian(t *testing.T) {
	require.Equal(t, 1.0, median([]float64{1}))
	require.Equal(t, 2.0, median([]float64{3, 1, 2}))
	require.Equal(t, 2.5, median([]float64{4, 1, 2, 3}))
}

// Whether what is measured works at all is no matter of speed.
func TestContenders(t *testing.T) {
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			require.NoError(t, one(t.Context(), c, func(l link) error {
				r, err := pingPong(l, 64, time.Millisecond)
				require.NotZero(t, r.count)
				return err
			}))
			require.NoError(t, one(t.Context(), c, func(l link) error {
				r, err := bulk(l, 1<<10, 5*time.Millisecond)
				require.NotZero(t, r.bytes)
				return err
			}))
		})
	}
}
