// SPDX-License-Identifier: Apache-2.0

package policy

// fanOut is the number of shares in one sum: two cache lines, so that a draw among 100 000 touches few of them. A
// balanced binary tree of linked nodes took three to four times as long for it.
const fanOut = 16

// shares is a list of numbers with the sums of each fanOut of them, of each fanOut of these, and so on: levels[0] are the
// numbers, and levels[l+1][j] is the sum of levels[l][j*fanOut : (j+1)*fanOut]. The highest level has at most
// fanOut sums. Changing and drawing a number cost O(log n).
type shares struct {
	levels [][]uint64
	total  uint64
}

// push appends a number.
func (s *shares) push(value uint64) {
	if len(s.levels) == 0 {
		s.levels = append(s.levels, nil)
	}
	i := len(s.levels[0])
	for l := range s.levels {
		if i>>(4*l) == len(s.levels[l]) {
			s.levels[l] = append(s.levels[l], 0)
		}
	}
	if top := s.levels[len(s.levels)-1]; len(top) > fanOut {
		s.levels = append(s.levels, []uint64{s.total, 0})
	}
	s.set(i, value)
}

// pop takes the last number away.
func (s *shares) pop() {
	last := len(s.levels[0]) - 1
	s.set(last, 0)
	for l := range s.levels {
		// The level shrinks where the number was the first of its sum.
		if last&(1<<(4*l)-1) == 0 {
			s.levels[l] = s.levels[l][:last>>(4*l)]
		}
	}
	if top := len(s.levels) - 1; top > 0 && len(s.levels[top-1]) <= fanOut {
		s.levels = s.levels[:top]
	}
}

// set changes number i. The sum of all must stay below 2^64.
func (s *shares) set(i int, value uint64) {
	delta := value - s.levels[0][i] // modulo 2^64
	if delta == 0 {
		return
	}
	s.total += delta
	for _, level := range s.levels {
		level[i] += delta
		i /= fanOut
	}
}

// draw returns which number covers point r, below the total, when they are laid end to end. A uniform r finds each with
// the probability of its part in the total, and 0 never.
func (s *shares) draw(r uint64) int {
	i := 0
	for l := len(s.levels) - 1; l >= 0; l-- {
		level := s.levels[l]
		for i *= fanOut; r >= level[i]; i++ {
			r -= level[i]
		}
	}
	return i
}
