// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"flag"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the randomised tests; 0 takes a new one")

// random returns a random source and prints its seed.
func random(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

type pool struct {
	sel     Selector[string]
	members map[string]*Member[string]
}

// newPool returns a pool with elements A, B, C… of these policies.
func newPool(t testing.TB, policies ...Policy) *pool {
	t.Helper()
	rule, err := NewRegistry().Rule(policies[0].Param().Type)
	require.NoError(t, err)
	sel, err := NewSelector[string](rule, 0)
	require.NoError(t, err)
	p := &pool{sel, map[string]*Member[string]{}}
	for i, pol := range policies {
		p.add(t, string(rune('A'+i)), pol)
	}
	return p
}

func (p *pool) add(t testing.TB, name string, pol Policy) {
	t.Helper()
	p.members[name] = &Member[string]{Elem: name}
	require.NoError(t, p.sel.Insert(p.members[name], pol.Param()))
}

func (p *pool) update(t testing.TB, name string, pol Policy) {
	t.Helper()
	require.NoError(t, p.sel.Update(p.members[name], pol.Param()))
}

// pick selects n and returns their names in one word.
func (p *pool) pick(n int, r Rand) string {
	var b strings.Builder
	for _, m := range p.sel.Select(nil, n, r) {
		b.WriteString(m.Elem)
	}
	return b.String()
}

// picks selects n, times times.
func (p *pool) picks(n, times int) string {
	words := make([]string, times)
	for i := range words {
		words[i] = p.pick(n, nil)
	}
	return strings.Join(words, " ")
}

// one selects 1, times times.
func (p *pool) one(times int) string {
	return strings.ReplaceAll(p.picks(1, times), " ", "")
}

// RFC 5356, Section 4.1.2: "the ENRP server SHOULD return the pool elements from the circular list, starting with head.
// Then the head SHOULD be advanced by one element."
func TestRoundRobinAdvancesTheHeadByOne(t *testing.T) {
	p := newPool(t, RoundRobin{}, RoundRobin{}, RoundRobin{}, RoundRobin{})
	require.Equal(t, "ABC BCD CDA DAB ABC", p.picks(3, 5))
	require.Equal(t, "BCDA CDAB", p.picks(9, 2), "more than there are")
	p.update(t, "D", RoundRobin{})
	require.Equal(t, "DA", p.pick(2, nil), "a re-registration keeps the place")
	p.sel.Remove(p.members["B"])
	p.sel.Remove(p.members["B"])
	p.add(t, "E", RoundRobin{})
	require.Equal(t, "ACDE CDEA", p.picks(4, 2))
	require.Empty(t, p.pick(0, nil))
	require.Empty(t, p.pick(-1, nil))
	require.Equal(t, 4, p.sel.Len())
}

func TestMaxIncrementTurnsMore(t *testing.T) {
	rule, _ := NewRegistry().Rule(param.RoundRobin)
	sel, err := NewSelector[string](rule, 2)
	require.NoError(t, err)
	p := &pool{sel, map[string]*Member[string]{}}
	for _, s := range []string{"A", "B", "C", "D", "E"} {
		p.add(t, s, RoundRobin{})
	}
	require.Equal(t, "ABC CDE EAB BCD D", p.picks(3, 4)+" "+p.pick(1, nil))
	require.Equal(t, "EAB", p.pick(3, nil))
}

// RFC 5356, Section 4.5.2: "The ENRP server MUST select the pool elements with the highest priorities. They MUST be
// reported in decreasing order."
func TestPriorityReportsHighestFirst(t *testing.T) {
	p := newPool(t, Priority{1}, Priority{math.MaxUint32}, Priority{0}, Priority{7})
	require.Equal(t, "BDA BDA", p.picks(3, 2))
	p.update(t, "C", Priority{8})
	require.Equal(t, "BCDA", p.pick(4, nil))
}

// RFC 5356, Section 5.1.2: "If there is a choice of equal-loaded pool elements, round robin selection SHOULD be made
// among these elements. The returned list of pool elements MUST be sorted in ascending order by load value."
func TestLeastUsedIsRoundRobinAmongEquals(t *testing.T) {
	p := newPool(t, LeastUsed{5}, LeastUsed{3}, LeastUsed{5}, LeastUsed{5})
	require.Equal(t, "BA BC BD BA", p.picks(2, 4), "the choice is behind B")
	require.Equal(t, "BCDA BDAC", p.picks(4, 2))
	p.update(t, "A", LeastUsed{3})
	require.Equal(t, "BA AB BA", p.picks(2, 3))
	p.update(t, "B", LeastUsed{math.MaxUint32})
	require.Equal(t, "ACDB", p.pick(4, nil))
}

// RFC 5356, Section 5.2.2: "When an entry is selected for being returned to a pool user, the internal degradation
// counter MUST be incremented by 1." "When a pool element entry is added or updated by registration or
// re-registration, this counter MUST be set to 0."
func TestLeastUsedDegradationCountsSelections(t *testing.T) {
	p := newPool(t, LeastUsedDegradation{Load: 10, Degradation: 10}, LeastUsedDegradation{Load: 35, Degradation: 1})
	// A: 10, 20, 30, then 40 is above B's 35 … 40 (equal to A, but B came to it later).
	require.Equal(t, "AAABBBBBAB", p.one(10))
	require.EqualValues(t, 4, p.members["A"].Selections())
	require.EqualValues(t, 6, p.members["B"].Selections())
	p.update(t, "A", LeastUsedDegradation{Load: 10, Degradation: 10})
	require.EqualValues(t, 0, p.members["A"].Selections())
	require.Equal(t, "AAAA", p.one(4))

	p = newPool(t, LeastUsedDegradation{0, 1}, LeastUsedDegradation{0, 1}, LeastUsedDegradation{0, 1})
	require.Equal(t, "AB CA BC AB", p.picks(2, 4), "every returned entry counts, not the first alone")

	p = newPool(t, LeastUsedDegradation{full, full}, LeastUsedDegradation{full, full})
	require.Equal(t, "ABABAB", p.one(6), "no overflow and no clamp")
}

// RFC 5356, Section 5.3.1: "A will be selected (50+10=60) instead of B (50+50=100)."
func TestPriorityLeastUsedSelectsTheLowestSum(t *testing.T) {
	p := newPool(t, PriorityLeastUsed{Fraction(.5), Fraction(.5)}, PriorityLeastUsed{Fraction(.5), Fraction(.1)}, PriorityLeastUsed{Fraction(.9), Fraction(.9)})
	require.Equal(t, "BAC BAC", p.picks(3, 2))
}

// RFC 5356, Section 4.2.2: "The multiple entries of each pool element should be as evenly distributed as possible in
// the circular list."
func TestWeightedRoundRobinSpreads(t *testing.T) {
	for _, c := range []struct {
		weights []uint32
		want    string // two rounds
	}{
		{[]uint32{1, 1, 1}, "ABCABC"},
		{[]uint32{4, 4}, "ABABABABABABABAB"},
		{[]uint32{2, 1}, "ABAABA"},
		{[]uint32{3, 1}, "ABAAABAA"},
		{[]uint32{8, 4}, "ABAABAABAABAABAABAABAABA"},
		{[]uint32{5, 1, 1}, "ABAACAAABAACAA"},
		{[]uint32{6, 3, 3}, "ABACABACABACABACABACABAC"},
		{[]uint32{0, 2, 0, 1}, "BDBBDB"},
	} {
		var ps []Policy
		for _, w := range c.weights {
			ps = append(ps, WeightedRoundRobin{w})
		}
		require.Equal(t, c.want, newPool(t, ps...).one(len(c.want)), "weights %v", c.weights)
	}
}

func TestWeightedRoundRobinReturnsTheNextDistinctElements(t *testing.T) {
	p := newPool(t, WeightedRoundRobin{2}, WeightedRoundRobin{1}, WeightedRoundRobin{1}, WeightedRoundRobin{0})
	for _, want := range []string{"ABC", "BAC", "ACB", "CAB"} {
		got := p.pick(9, nil)
		require.Len(t, got, 3)
		require.Equal(t, want[:2], got[:2], "first and reserve")
	}
	require.Equal(t, 4, p.sel.Len())
}

// No member is ever a whole turn ahead or behind of its share, and a whole round gives each exactly its weight.
func TestWeightedRoundRobinStaysWithinOneTurn(t *testing.T) {
	r := random(t)
	for range 200 {
		n := 1 + r.IntN(12)
		var ps []Policy
		var total, share float64
		weights := make([]float64, n)
		for i := range n {
			w := uint32(1 + r.IntN(40))
			if r.IntN(4) == 0 {
				w = uint32(1 + r.IntN(400))
			}
			ps = append(ps, WeightedRoundRobin{w})
			weights[i] = float64(w)
			total += float64(w)
		}
		p := newPool(t, ps...)
		counts := make([]float64, n)
		for k := 1; k <= 2*int(total); k++ {
			counts[p.pick(1, nil)[0]-'A']++
			for i := range n {
				share = float64(k) * weights[i] / total
				require.Less(t, math.Abs(counts[i]-share), 1.0, "weights %v, element %d after %d", weights, i, k)
				if k%int(total) == 0 {
					require.Equal(t, share, counts[i])
				}
			}
		}
	}
}

// Members that come and go, or change their weight, do not disturb the shares of the others for long.
func TestWeightedRoundRobinRecoversFromChanges(t *testing.T) {
	r := random(t)
	p := newPool(t, WeightedRoundRobin{1})
	weights := map[string]uint32{"A": 1}
	for range 3000 {
		name := string(rune('A' + r.IntN(20)))
		_, in := weights[name]
		switch w := uint32(r.IntN(30)); {
		case !in:
			weights[name] = w
			p.add(t, name, WeightedRoundRobin{w})
		case r.IntN(2) == 0 && len(weights) > 1:
			delete(weights, name)
			p.sel.Remove(p.members[name])
		default:
			weights[name] = w
			p.update(t, name, WeightedRoundRobin{w})
		}
		for range r.IntN(40) {
			p.pick(1+r.IntN(3), nil)
		}
	}
	for range 50 { // let the last changes settle
		p.pick(1, nil)
	}
	total := 0
	for _, w := range weights {
		total += int(w)
	}
	counts := map[string]int{}
	for range 10 * total {
		counts[p.pick(1, nil)]++
	}
	for name, w := range weights {
		require.InDelta(t, 10*int(w), counts[name], 2, "element %s of weight %d", name, w)
	}
}

func TestSelectorsRejectOtherPolicies(t *testing.T) {
	p := newPool(t, RoundRobin{})
	require.ErrorContains(t, p.sel.Insert(&Member[string]{Elem: "B"}, Random{}.Param()), "Random in a pool of RoundRobin")
	require.ErrorContains(t, p.sel.Update(p.members["A"], Random{}.Param()), "Random in a pool of RoundRobin")
	for _, pol := range []Policy{RoundRobin{}, Random{}, WeightedRoundRobin{3}, WeightedRoundRobin{}} {
		p := newPool(t, pol)
		require.ErrorContains(t, p.sel.Insert(p.members["A"], pol.Param()), "in a selector already")
		p.sel.Remove(p.members["A"])
		require.NoError(t, p.sel.Update(p.members["A"], pol.Param()), "update inserts")
		require.Equal(t, 1, p.sel.Len())
	}
}
