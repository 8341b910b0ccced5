// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func checkQueues(t require.TestingT, s *interleaved[int]) {
	checkTree(t, s.heads)
	require.Equal(t, len(s.queues), s.heads.Len())
	busy := 0
	for w, q := range s.queues {
		checkTree(t, q.members)
		require.Equal(t, w, q.weight)
		require.True(t, q.node.In() && q.head == q.members.Min(), "head")
		busy += q.members.Len()
		for m := range q.members.All() {
			require.True(t, m.queue == q && m.value == w, "queue of a member")
		}
	}
	require.Equal(t, s.busy, busy)
}

// The schedule is that of looking at every member: among those whose turn has started, the one due first.
func TestInterleavedAgainstScan(t *testing.T) {
	rule := NewRegistry().rules[WeightedRoundRobin{}.Param().Type]
	rapid.Check(t, func(t *rapid.T) {
		s := newInterleaved[int](rule, rapid.IntRange(1, 3).Draw(t, "increment"))
		var in []*Member[int]
		weights := rapid.OneOf(rapid.Uint32Range(0, 4), rapid.Uint32Range(0, 1000))
		scan := func(n int) (want []*Member[int], now turn) {
			present := s.now
			now = s.now
			out := map[*Member[int]]bool{}
			for i := 0; i < n; i++ {
				var best, first *Member[int]
				for _, m := range in {
					if m.idle || out[m] {
						continue
					}
					if first == nil || m.start().before(m.value, first.start(), first.value) {
						first = m
					}
					if now.before(s.total, m.start(), m.value) {
						continue
					}
					if best == nil {
						best = m
						continue
					}
					x, y := m.start().next(m.value), best.start().next(best.value)
					if x.before(m.value, y, best.value) || !y.before(best.value, x, m.value) && m.seq < best.seq {
						best = m
					}
				}
				if first == nil {
					break
				}
				if best == nil {
					now = first.start().in(first.value, s.total, true)
					i--
					continue
				}
				out[best] = true
				want = append(want, best)
				now = now.next(s.total)
				if i < s.increment {
					present = now
				}
			}
			return want, present
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				m := &Member[int]{Elem: len(in)}
				require.NoError(t, s.Insert(m, WeightedRoundRobin{weights.Draw(t, "weight")}.Param()))
				in = append(in, m)
			},
			"update": func(t *rapid.T) {
				if len(in) > 0 {
					m := rapid.SampledFrom(in).Draw(t, "member")
					require.NoError(t, s.Update(m, WeightedRoundRobin{weights.Draw(t, "weight")}.Param()))
				}
			},
			"remove": func(t *rapid.T) {
				if len(in) > 0 {
					i := rapid.IntRange(0, len(in)-1).Draw(t, "index")
					s.Remove(in[i])
					in = append(in[:i], in[i+1:]...)
				}
			},
			"select": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "times") {
					n := rapid.IntRange(0, 6).Draw(t, "n")
					want, now := scan(n)
					require.Equal(t, want, s.Select(nil, n, nil))
					require.Equal(t, now, s.now)
					checkQueues(t, s)
				}
			},
			"": func(t *rapid.T) { checkQueues(t, s) },
		})
	})
}
