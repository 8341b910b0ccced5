// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rserpool/rserpool/asap/param"
)

// maxRedraws bounds how often one Select draws an element it already has, before it takes the drawn ones out of the
// sum. Three elements of ten equal ones need 0.3 redraws on average; only a pool with one dominant share needs more.
const maxRedraws = 4

// maxAhead is how many lots are drawn at once. In a pool of 100,000 each falls on a member that is in no cache. The
// processor fetches them side by side if nothing stands between, and a selection takes a third of the time.
const maxAhead = 32

// manyPicks is how many members are compared with each other one by one, before they are marked instead.
const manyPicks = 16

// drawn selects members by lot, in proportion to their values: Random, Weighted Random, Randomized Least Used.
type drawn[T any] struct {
	rule       *Rule
	members    []*Member[T] // in any order; each knows its place as slot
	shares     shares       // likewise
	selectable int          // members with a value above 0
	call       uint64       // number of the Select; a member of the current one has it as seq, if there are manyPicks

	// Lots drawn and not used yet. Each is drawn from the same shares as the next one: a change of a share voids them.
	ahead   [maxAhead]int
	left    int // of them, the first ones
	batch   int // how many were drawn last; doubled as long as nothing changes
	touched uint64
}

func newDrawn[T any](rule *Rule) *drawn[T] { return &drawn[T]{rule: rule} }

func (s *drawn[T]) Len() int { return len(s.members) }

func (s *drawn[T]) Insert(m *Member[T], p param.Policy) error {
	if m.drawn {
		return errIn(m)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	m.policy, m.selections, m.value, m.seq = p, 0, 0, 0
	m.drawn, m.slot = true, uint64(len(s.members))
	s.members = append(s.members, m)
	s.shares.push(0)
	s.left, s.batch = 0, 0
	s.set(m, s.rule.Value(p, 0))
	return nil
}

func (s *drawn[T]) Update(m *Member[T], p param.Policy) error {
	if !m.drawn {
		return s.Insert(m, p)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	m.policy, m.selections = p, 0
	s.set(m, s.rule.Value(p, 0))
	return nil
}

func (s *drawn[T]) Remove(m *Member[T]) {
	if !m.drawn {
		return
	}
	s.set(m, 0)
	end := len(s.members) - 1
	if last := s.members[end]; last != m {
		last.slot = m.slot
		s.members[last.slot] = last
		s.share(last, last.value)
	}
	s.members[end] = nil
	s.members = s.members[:end]
	s.shares.pop()
	s.left, s.batch = 0, 0
	m.drawn = false
}

// Select draws without replacement.
//
// RFC 5356, Section 4.4.2: "Each element MUST NOT be reported more than once to the pool user. The probability of
// selecting a pool element should be the ratio of the weight of that pool element to the sum of weights."
func (s *drawn[T]) Select(dst []*Member[T], n int, r Rand) []*Member[T] {
	start := len(dst)
	n = min(n, s.selectable)
	s.call++
	redraws := 0 // at maxRedraws, the drawn members are out of the sum
	for len(dst)-start < n {
		// Drawing again until the lot falls on a new member is the same as drawing among the others.
		m := s.members[s.lot(r)]
		var again bool
		if n < manyPicks {
			again = slices.Contains(dst[start:], m)
		} else {
			again = m.seq == s.call
			m.seq = s.call
		}
		if again {
			if redraws++; redraws == maxRedraws {
				for _, picked := range dst[start:] {
					s.share(picked, 0)
				}
			}
			continue
		}
		dst = append(dst, m)
		if redraws >= maxRedraws {
			s.share(m, 0)
		}
	}
	if redraws < maxRedraws && !s.rule.Degrades {
		return dst
	}
	for _, m := range dst[start:] {
		value := m.value
		if s.rule.Degrades {
			m.selections++
			value = s.rule.Value(m.policy, m.selections)
		}
		s.set(m, value)
	}
	return dst
}

// set gives m the value, in the sum and in the count.
func (s *drawn[T]) set(m *Member[T], value uint64) {
	if m.value > 0 {
		s.selectable--
	}
	if value > 0 {
		s.selectable++
	}
	m.value = value
	s.share(m, value)
}

// share gives m a share in the sum.
func (s *drawn[T]) share(m *Member[T], value uint64) {
	if s.shares.set(int(m.slot), value) {
		s.left, s.batch = 0, 0
	}
}

// lot returns the slot of a member with a probability proportional to its share.
func (s *drawn[T]) lot(r Rand) int {
	if s.left == 0 {
		s.drawAhead(r)
	}
	s.left--
	return s.ahead[s.left]
}

func (s *drawn[T]) drawAhead(r Rand) {
	s.batch = min(max(1, 2*s.batch), maxAhead)
	if s.rule.Degrades {
		s.batch = 1
	}
	s.left = s.batch
	lots := s.ahead[:s.batch]
	for i := range lots {
		lots[i] = s.shares.random(r)
	}
	var sum uint64
	for _, i := range lots {
		sum += s.members[i].value
	}
	for _, i := range lots {
		if near := s.members[i].Near; len(near) > 0 {
			sum += uint64(near[0])
		}
	}
	s.touched = sum // or the compiler would leave out the loops
}
