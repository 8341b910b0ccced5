// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"
	"testing"

	"github.com/rserpool/rserpool/conformance/bench/worker"
	"github.com/rserpool/rserpool/pool/policy"
)

// leastOfRSPLIB is the floor: what part of the figures of RSPLIB's tree in C must be reached.
const leastOfRSPLIB = 1.0 / 3

// BenchmarkBesideRSPLIB does what RSPLIB's handlespace was measured at, with 1000 and 100 000 elements in one pool: its
// red-black tree in C, one core of a machine of this kind, operations per second. The metric ×RSPLIB is ours divided by
// that, by processor time; the benchmark fails below the floor.
func BenchmarkBesideRSPLIB(b *testing.B) {
	loads := func(i int) policy.Policy { return policy.LeastUsed{Load: uint32(i) * 7919} }
	for _, op := range []struct {
		name   string
		policy func(int) policy.Policy
		rsplib [2]float64 // with 1000 and 100 000 elements
		run    func(s *Space, es []*Element, i int)
	}{
		{"deregister+register", loads, [2]float64{1.18e6, 136e3}, func(s *Space, es []*Element, i int) {
			k := i % len(es)
			pe, assoc := es[k].pe, es[k].assoc
			s.Deregister("Pool", pe.ID)
			r, _ := s.Register("Pool", pe, assoc)
			es[k] = r.Element
		}},
		{"re-register", loads, [2]float64{2.4e6, 278e3}, func(s *Space, es []*Element, i int) {
			e := es[i%len(es)]
			pe := e.pe
			pe.Policy.Load += 1 << 20
			_, _ = s.Register("Pool", pe, e.assoc)
		}},
		{"look-up", loads, [2]float64{12.5e6, 1.06e6}, func(s *Space, es []*Element, i int) {
			s.Lookup("Pool", es[i%len(es)].pe.ID)
		}},
		{"resolve LU", loads, [2]float64{12e6, 7.9e6}, nil},
		{"resolve RR", benchPolicies[0].of, [2]float64{12e6, 7.9e6}, nil},
		{"resolve WRR", benchPolicies[1].of, [2]float64{9.5e6, 2.6e6}, nil},
		{"resolve RAND", benchPolicies[2].of, [2]float64{4.1e6, 607e3}, nil},
	} {
		for k, n := range []int{1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", op.name, n), func(b *testing.B) {
				s := benchmarkSpace(b, n, op.policy)
				es := walk(s, WalkAll())
				random(b).Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
				var dst []*Element
				run := op.run
				if run == nil {
					run = func(s *Space, _ []*Element, _ int) { dst, _ = s.Resolve(dst[:0], "Pool", 1) }
				}
				b.ReportAllocs()
				i, cpu := 0, worker.CPUTime()
				for b.Loop() {
					run(s, es, i)
					i++
				}
				cpu = worker.CPUTime() - cpu // what else the machine does must not count
				if cpu == 0 {
					return // not known here
				}
				x := float64(i) / cpu.Seconds() / op.rsplib[k]
				b.ReportMetric(x, "×RSPLIB")
				if i > 100_000 && x < leastOfRSPLIB {
					b.Errorf("%.2f of RSPLIB's, want %.2f", x, leastOfRSPLIB)
				}
			})
		}
	}
}
