// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/asap/param"
)

// requireShares draws n times and compares the first elements with their shares by chi-square.
func requireShares(t *testing.T, p *pool, shares []float64, r Rand) {
	t.Helper()
	const draws = 40000
	var sum, chi float64
	for _, s := range shares {
		sum += s
	}
	counts := make([]float64, len(shares))
	for range draws {
		counts[p.pick(1, r)[0]-'A']++
	}
	degrees := -1.0
	for i, s := range shares {
		expected := draws * s / sum
		if expected < 1 {
			require.LessOrEqual(t, counts[i], 20.0, "element %d", i)
			continue
		}
		degrees++
		chi += (counts[i] - expected) * (counts[i] - expected) / expected
	}
	// Six standard deviations above the mean of the distribution.
	require.Less(t, chi, degrees+6*math.Sqrt(2*degrees)+12, "counts %v, shares %v", counts, shares)
}

func TestDrawnPoliciesFollowTheirShares(t *testing.T) {
	r := random(t)
	for _, c := range []struct {
		name     string
		policies []Policy
		shares   []float64
	}{
		{"Random", []Policy{Random{}, Random{}, Random{}, Random{}, Random{}}, []float64{1, 1, 1, 1, 1}},
		// RFC 5356, Section 4.4.2: "the ratio of the weight of that pool element to the sum of weights."
		{"WeightedRandom", []Policy{WeightedRandom{1}, WeightedRandom{0}, WeightedRandom{5}, WeightedRandom{94}}, []float64{1, 0, 5, 94}},
		{"WeightedRandom large", []Policy{WeightedRandom{full}, WeightedRandom{full / 3}, WeightedRandom{1}}, []float64{3, 1, 0}},
		// RFC 5356, Section 5.4.1: "(0xFFFFFFFF - load_A) / (sum(0xFFFFFFFF-load_x))"
		{"RandomizedLeastUsed", []Policy{RandomizedLeastUsed{Fraction(.9)}, RandomizedLeastUsed{Fraction(.5)}, RandomizedLeastUsed{full}}, []float64{1, 5, 0}},
		{"RandomizedLeastUsed, all full", []Policy{RandomizedLeastUsed{full}, RandomizedLeastUsed{full}}, []float64{1, 1}},
		{"RPLU", []Policy{
			Other{Type: param.RandomizedPriorityLeastUsed, Load: Fraction(.1), LoadDegradation: Fraction(.5)},
			Other{Type: param.RandomizedPriorityLeastUsed, Load: Fraction(.7), LoadDegradation: Fraction(.2)},
		}, []float64{4, 1}},
		{"WRAND-DPF", []Policy{
			Other{Type: param.WeightedRandomDPF, Weight: 10, WeightDPF: Fraction(.001), Distance: 500},
			Other{Type: param.WeightedRandomDPF, Weight: 10, WeightDPF: Fraction(.001)},
		}, []float64{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) { requireShares(t, newPool(t, c.policies...), c.shares, r) })
	}
}

// The second element of a draw has the same distribution as a draw from the pool without the first, also where one
// dominant share forces the drawn elements out of the sum.
func TestDrawnWithoutReplacement(t *testing.T) {
	r := random(t)
	for _, w := range [][]uint32{{3, 2, 1}, {100000, 2, 1}} {
		p := newPool(t, WeightedRandom{w[0]}, WeightedRandom{w[1]}, WeightedRandom{w[2]}, WeightedRandom{0})
		counts := map[string]float64{}
		const draws = 60000
		for range draws {
			counts[p.pick(3, r)]++
		}
		sum := float64(w[0] + w[1] + w[2])
		for _, c := range []string{"ABC", "ACB", "BAC", "BCA", "CAB", "CBA"} {
			x, y := float64(w[c[0]-'A']), float64(w[c[1]-'A'])
			expected := draws * x / sum * y / (sum - x)
			require.InDelta(t, expected, counts[c], 6*math.Sqrt(expected)+6, "%s of %v: %v", c, w, counts)
		}
	}
}

// RFC 5356, Section 3.2: "A weight of 0 denotes that the pool element is not capable of providing any service"
func TestWeightZeroIsNeverSelected(t *testing.T) {
	r := random(t)
	for _, pol := range []Policy{WeightedRandom{}, WeightedRoundRobin{}} {
		p := newPool(t, pol, pol)
		require.Empty(t, p.pick(3, r), "%v", pol)
		require.Equal(t, 2, p.sel.Len())
	}
	p := newPool(t, WeightedRandom{0}, WeightedRandom{2}, WeightedRandom{0}, WeightedRandom{1})
	for range 100 {
		require.Len(t, p.pick(9, r), 2)
		require.NotContains(t, p.pick(9, r), "A")
	}
	p.update(t, "B", WeightedRandom{0})
	p.sel.Remove(p.members["A"])
	require.Equal(t, "D", p.pick(9, r))
	p.sel.Remove(p.members["D"])
	require.Empty(t, p.pick(9, r))
}

func TestRandomizedDegradationLowersTheShare(t *testing.T) {
	r := random(t)
	p := newPool(t, Other{Type: param.RandomizedLeastUsedDegradation, LoadDegradation: Fraction(.5)},
		Other{Type: param.RandomizedLeastUsedDegradation, LoadDegradation: Fraction(.5)})
	for range 4 {
		p.pick(2, r)
	}
	require.EqualValues(t, 4, p.members["A"].Selections())
	p.update(t, "B", Other{Type: param.RandomizedLeastUsedDegradation, LoadDegradation: 0})
	for range 50 {
		require.Equal(t, "B", p.pick(1, r), "A is full")
	}
}

// Whatever the policy and the history, a selection has distinct, present elements, as many as there are to have.
func TestSelectionsAreDistinct(t *testing.T) {
	registry := NewRegistry()
	rapid.Check(t, func(t *rapid.T) {
		rule := registry.rules[rapid.SampledFrom(builtin).Draw(t, "policy").Type]
		sel, err := NewSelector[int](rule, rapid.IntRange(0, 3).Draw(t, "increment"))
		require.NoError(t, err)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		u32 := rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32())
		draw := func(t *rapid.T) param.Policy {
			return param.Policy{Type: rule.Type, Weight: u32.Draw(t, "weight"), Priority: u32.Draw(t, "priority"),
				Load: u32.Draw(t, "load"), LoadDegradation: u32.Draw(t, "degradation"),
				LoadDPF: u32.Draw(t, "dpf"), WeightDPF: u32.Draw(t, "wdpf"), Distance: u32.Draw(t, "distance")}
		}
		var in []*Member[int]
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				m := &Member[int]{}
				require.NoError(t, sel.Insert(m, draw(t)))
				in = append(in, m)
			},
			"update": func(t *rapid.T) {
				if len(in) > 0 {
					require.NoError(t, sel.Update(rapid.SampledFrom(in).Draw(t, "member"), draw(t)))
				}
			},
			"remove": func(t *rapid.T) {
				if len(in) > 0 {
					i := rapid.IntRange(0, len(in)-1).Draw(t, "index")
					sel.Remove(in[i])
					in = append(in[:i], in[i+1:]...)
				}
			},
			"select": func(t *rapid.T) {
				n := rapid.IntRange(0, 6).Draw(t, "n")
				selectable := map[*Member[int]]bool{}
				values := map[*Member[int]]uint64{}
				for _, m := range in {
					values[m] = rule.Value(m.policy, m.selections)
					if rule.Discipline == Sorted || values[m] > 0 {
						selectable[m] = true
					}
				}
				want := min(n, len(selectable))
				got := sel.Select(nil, n, r)
				require.Len(t, got, want)
				for i, m := range got {
					require.True(t, selectable[m], "twice, or not selectable")
					delete(selectable, m)
					if rule.Discipline != Sorted {
						continue
					}
					if i > 0 {
						require.LessOrEqual(t, values[got[i-1]], values[m], "ascending order")
					}
				}
				if rule.Discipline == Sorted && want > 0 {
					for m := range selectable {
						require.LessOrEqual(t, values[got[want-1]], values[m], "lowest possible")
					}
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(in), sel.Len())
				switch s := sel.(type) {
				case *sorted[int]:
					checkTree(t, s.tree)
				case *drawn[int]:
					checkShares(t, &s.shares)
				case *interleaved[int]:
					checkQueues(t, s)
				}
			},
		})
	})
}

func TestSelectDoesNotAllocate(t *testing.T) {
	r := random(t)
	for _, b := range builtin {
		p := newPool(t, Other{Type: b.Type, Weight: 1})
		for i := range 50 {
			p.add(t, string(rune('B'+i)), Other{Type: b.Type, Weight: uint32(i), Load: uint32(i), LoadDegradation: 3})
		}
		dst := make([]*Member[string], 0, 8)
		require.Zero(t, testing.AllocsPerRun(100, func() { dst = p.sel.Select(dst[:0], 3, r) }), b.Name)
	}
}

// Lots are drawn ahead, but a change between two selections counts for the next one.
func TestDrawnAheadFollowsChanges(t *testing.T) {
	r := random(t)
	p := newPool(t, WeightedRandom{1}, WeightedRandom{1}, WeightedRandom{1})
	for range 200 {
		for range r.IntN(20) {
			p.pick(1, r)
		}
		p.update(t, "B", WeightedRandom{0})
		for range 5 {
			require.NotEqual(t, "B", p.pick(1, r))
		}
		p.sel.Remove(p.members["A"])
		require.Equal(t, "C", p.pick(3, r))
		p.add(t, "A", WeightedRandom{1})
		p.update(t, "B", WeightedRandom{1})
		require.Len(t, p.pick(3, r), 3)
	}
}
