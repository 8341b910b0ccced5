// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func checkShares(t require.TestingT, s *shares) {
	if len(s.levels) > 0 && len(s.levels[0]) > 0 {
		require.LessOrEqual(t, slices.Max(s.levels[0]), s.bound)
	}
	for l := range s.levels {
		var total uint64
		for i, v := range s.levels[l] {
			total += v
			if l > 0 {
				below := s.levels[l-1]
				var sum uint64
				for _, v := range below[i*fanOut : min((i+1)*fanOut, len(below))] {
					sum += v
				}
				require.Equal(t, sum, v, "level %d, sum %d", l, i)
			}
		}
		require.Equal(t, s.total, total, "level %d", l)
		if l > 0 {
			require.Equal(t, (len(s.levels[l-1])+fanOut-1)/fanOut, len(s.levels[l]), "level %d", l)
			require.Greater(t, len(s.levels[l-1]), fanOut)
		}
		if l == len(s.levels)-1 {
			require.LessOrEqual(t, len(s.levels[l]), fanOut)
		}
	}
}

// Shares and a slice are given the same commands and must always answer the same.
func TestSharesAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, twin := &shares{}, []uint64(nil)
		values := rapid.Uint64Range(0, 3)
		repeat := rapid.SampledFrom([]int{1, 1, 15, 16, 17, 250, 4100})
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				v := values.Draw(t, "value")
				for range repeat.Draw(t, "times") {
					s.push(v)
					twin = append(twin, v)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(repeat.Draw(t, "times"), len(twin)) {
					s.pop()
					twin = twin[:len(twin)-1]
				}
			},
			"set": func(t *rapid.T) {
				if len(twin) > 0 {
					i := rapid.IntRange(0, len(twin)-1).Draw(t, "index")
					twin[i] = values.Draw(t, "value")
					s.set(i, twin[i])
				}
			},
			"draw": func(t *rapid.T) {
				if s.total == 0 {
					return
				}
				r := rapid.Uint64Range(0, s.total-1).Draw(t, "point")
				got := s.draw(r)
				for i, v := range twin {
					if r < v {
						require.Equal(t, i, got)
						return
					}
					r -= v
				}
			},
			"": func(t *rapid.T) {
				checkShares(t, s)
				if len(s.levels) > 0 {
					require.Len(t, s.levels[0], len(twin))
				}
			},
		})
	})
}
