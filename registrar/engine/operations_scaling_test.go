// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance/bench/worker"
	"github.com/rserpool/rserpool/enrp"
)

// mostOperationSlowdown is how much more processor time an operation may take among 100 000 elements than among 10, which
// all lie in the nearest cache: there are deeper trees, and up to ten pieces of memory that are in none. Whoever looks at
// all elements pays thousands.
const mostOperationSlowdown = 20.0

// BenchmarkOperationScaling measures what a registrar with a peer does, with 10 to 100 000 elements in one pool and in
// pools of ten: resolutions, registrations, re-registrations with another load, deregistrations, and updates from the peer;
// bytes in, bytes out. The metrics are operations per second of processor time; it fails if one is mostOperationSlowdown
// times as dear among 100 000 elements.
func BenchmarkOperationScaling(b *testing.B) {
	sizes := []int{10, 1000, 10_000, 100_000}
	for _, perPool := range []int{100_000, 10} {
		scenes := make([]*operations, len(sizes))
		for i, n := range sizes {
			scenes[i] = newOperations(b, n, perPool)
		}
		for _, op := range []struct {
			name string
			run  func(o *operations, i int)
			each int // operations in one run
		}{
			{"resolve", func(o *operations, i int) { o.asap(o.resolutions[i%len(o.resolutions)]) }, 1},
			{"register and deregister", func(o *operations, i int) {
				k := o.any(i)
				o.asap(o.deregistrations[k])
				o.asap(o.registrations[0][k])
			}, 2},
			{"re-register", func(o *operations, i int) { o.asap(o.registrations[i/o.n%2][o.any(i)]) }, 1},
			{"ENRP update", func(o *operations, i int) {
				k := i % len(o.added)
				o.enrp(o.added[k])
				o.enrp(o.removed[k])
			}, 2},
		} {
			b.Run(fmt.Sprintf("%d per pool/%s", perPool, op.name), func(b *testing.B) {
				const rounds, perRound = 4, 20_000
				best := make([]time.Duration, len(sizes))
				for b.Loop() {
					runtime.GC()
					for round := range rounds {
						for i, o := range scenes {
							cpu := worker.CPUTime()
							for k := range perRound {
								op.run(o, round*perRound+k)
							}
							if cpu = worker.CPUTime() - cpu; best[i] == 0 || cpu < best[i] {
								best[i] = cpu
							}
						}
					}
				}
				b.ReportMetric(0, "ns/op")
				for i, n := range sizes {
					require.Equal(b, n, scenes[i].e.Stats().Elements)
					b.ReportMetric(float64(perRound*op.each)/best[i].Seconds(), fmt.Sprintf("per_s:%d", n))
				}
				last := len(sizes) - 1
				if x := best[last].Seconds() / best[0].Seconds(); x > mostOperationSlowdown {
					b.Errorf("%.1f times as dear with %d elements as with %d", x, sizes[last], sizes[0])
				}
			})
		}
	}
}

// operations is a registrar with n elements and a peer, and what it is asked.
type operations struct {
	*scene
	n                            int
	registrations                [2][][]byte // with two loads
	deregistrations, resolutions [][]byte
	added, removed               [][]byte // from the peer
}

const (
	clientAssoc = 1
	peerAssoc   = 102
)

func newOperations(b *testing.B, n, perPool int) *operations {
	o := &operations{n: n, scene: newENRPScene(b, func(c *Config) { c.MaxElementsPerAssoc = -1 }).alone()}
	o.join(higher, peerAssoc, "10.0.0.101")
	require.True(b, o.e.HandleAssocUp(o.now, clientAssoc, ProtocolASAP, host("10.0.0.1")))
	encode := func(m interface{ AppendBinary([]byte) ([]byte, error) }) []byte {
		enc, err := m.AppendBinary(nil)
		require.NoError(b, err)
		return enc
	}
	for i := range n {
		pool := fmt.Sprintf("Pool%d", i/perPool)
		id := uint32(i + 1)
		for k := range uint32(2) {
			m := with(reg(pool, id, "10.0.0.1"), func(pe *param.PoolElement) {
				pe.Policy = param.Policy{Type: param.LeastUsed, Load: (id*7919 + k*31337) % 1_000_003}
			})
			o.registrations[k] = append(o.registrations[k], encode(m))
		}
		o.deregistrations = append(o.deregistrations, encode(&asap.Deregistration{PoolHandle: param.PoolHandle(pool), PEID: id}))
		if i%perPool == 0 {
			o.resolutions = append(o.resolutions, encode(resolve(pool, 1)))
		}
		if i < 1000 {
			pe := ownedBy(higher, 1<<30+id, "10.0.0.2")
			pe.Policy = param.Policy{Type: param.LeastUsed, Load: id * 104_729 % 1_000_003}
			m := add(pool, pe)
			o.added = append(o.added, encode(m))
			m.Action = enrp.DelPE
			o.removed = append(o.removed, encode(m))
		}
		o.asap(o.registrations[0][i])
	}
	require.Equal(b, n, o.e.Stats().Elements)
	return o
}

// any is an element out of all, in no order.
func (o *operations) any(i int) int { return i * 7919 % o.n }

func (o *operations) asap(m []byte) {
	o.e.HandleASAP(o.now, clientAssoc, m)
	drain(o.e)
}

func (o *operations) enrp(m []byte) {
	o.e.HandleENRP(o.now, peerAssoc, m)
	drain(o.e)
}
