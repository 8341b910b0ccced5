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
	bound  uint64 // no number is, or was, above it
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

// set changes number i, and tells whether it was another one. The sum of all must stay below 2^64.
func (s *shares) set(i int, value uint64) bool {
	delta := value - s.levels[0][i] // modulo 2^64
	if delta == 0 {
		return false
	}
	s.total += delta
	s.bound = max(s.bound, value)
	for _, level := range s.levels {
		level[i] += delta
		i /= fanOut
	}
	return true
}

// maxTrials is how many trials the average random may take; with more, descending the sums is faster.
const maxTrials = 3

// random returns one of the numbers with the probability of its part in the total, which must not be 0.
func (s *shares) random(r Rand) int {
	// Most pools have shares of the same order of magnitude: a point of a board as long as there are numbers and as high
	// as the largest; what misses the number at its place does not count.
	numbers := s.levels[0]
	if area := uint64(len(numbers)) * s.bound; s.bound < 1<<32 && area/maxTrials <= s.total {
		if area == s.total { // All are equal: there is nothing to miss.
			return int(r.Uint64N(area) / s.bound)
		}
		for {
			point := r.Uint64N(area)
			if i := point / s.bound; point-i*s.bound < numbers[i] {
				return int(i)
			}
		}
	}
	return s.draw(r.Uint64N(s.total))
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
