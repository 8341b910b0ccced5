// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// beats changes when HEARTBEATs go to T's first address. f is told how many there were, and returns how much later than now
// each goes out, as often as that is said; none at all drops it.
func beats(f func(n int) []time.Duration) func() Middlebox {
	return func() Middlebox {
		n := 0
		return Middlebox{Out: func(p *Pkt) (out []*Pkt) {
			if !p.Has(wire.ChunkHeartbeat) || p.Remote.Addr() != testerAddrs[0] {
				return Only(p)
			}
			n++
			for _, d := range f(n) {
				q := p.Clone()
				q.Delay = d
				out = append(out, q)
			}
			return out
		}}
	}
}

// failoverMutants break RFC 7829 in ways of their own.
var failoverMutants = []Mutant{
	{Name: "HEARTBEATs to a potentially failed path do not back off", Caught: []string{"7829/3.2/3"},
		New: beats(func(n int) (all []time.Duration) {
			for i := 0; n == 1 && i < 60; i++ {
				all = append(all, time.Duration(2*i)*time.Second)
			}
			return all
		})},
	{Name: "HEARTBEATs to an inactive path are as many as to a potentially failed one", Caught: []string{"7829/3.2/6"},
		New: beats(func(int) []time.Duration { return []time.Duration{0, 45 * time.Second} })},
}
