// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rserpool/rserpool/asap/param"

// sorted selects the members with the lowest values, round robin among equals: Round Robin (all values equal),
// Priority, Least Used and its relatives.
type sorted[T any] struct {
	rule      *Rule
	tree      *Tree[*Member[T]]
	seq       uint64
	increment int
}

func newSorted[T any](rule *Rule, increment int) *sorted[T] {
	return &sorted[T]{rule: rule, increment: increment, tree: NewTree(func(a, b *Member[T]) bool {
		return a.value < b.value || a.value == b.value && a.seq < b.seq
	})}
}

func (s *sorted[T]) Len() int { return s.tree.Len() }

func (s *sorted[T]) Insert(m *Member[T], p param.Policy) error {
	if m.node.In() {
		return errIn(m)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	m.policy, m.selections = p, 0
	m.node.Value = m
	m.value = s.rule.Value(p, 0)
	s.toEnd(m)
	return nil
}

func (s *sorted[T]) Update(m *Member[T], p param.Policy) error {
	if !m.node.In() {
		return s.Insert(m, p)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	// RFC 5356, Section 5.2.2: "When a pool element entry is added or updated by registration or re-registration, this
	// counter MUST be set to 0."
	m.policy, m.selections = p, 0
	if v := s.rule.Value(p, 0); v != m.value {
		s.tree.Remove(&m.node)
		m.value = v
		s.toEnd(m)
	}
	return nil
}

func (s *sorted[T]) Remove(m *Member[T]) { s.tree.Remove(&m.node) }

func (s *sorted[T]) Select(dst []*Member[T], n int, _ Rand) []*Member[T] {
	// RFC 5356, Section 5.1.2: "The returned list of pool elements MUST be sorted in ascending order by load value."
	start := len(dst)
	for node := s.tree.Min(); node != nil && n > 0; node = s.tree.Next(node) {
		dst = append(dst, node.Value)
		n--
	}
	s.turn(dst[start:])
	return dst
}

// turn moves the head of each run of equal values behind its run: in a pool of equals the circular list of RFC 5356,
// Section 4.1.2, and otherwise "If there is a choice of equal-loaded pool elements, round robin selection SHOULD be made
// among these elements." (RFC 5356, Section 5.1.2). The picked members may change their value by that.
func (s *sorted[T]) turn(picked []*Member[T]) {
	run, last := 0, uint64(0)
	for i, m := range picked {
		if i > 0 && m.value == last {
			run++
		} else {
			run = 0
		}
		last = m.value
		value := m.value
		if s.rule.Degrades {
			// RFC 5356, Section 5.2.2: "When an entry is selected for being returned to a pool user, the internal
			// degradation counter MUST be incremented by 1."
			m.selections++
			value = s.rule.Value(m.policy, m.selections)
		}
		if value == m.value {
			if run >= s.increment {
				continue
			}
			if next := s.tree.Next(&m.node); next == nil || next.Value.value != value {
				continue // it is the last of its run already
			}
		}
		s.tree.Remove(&m.node)
		m.value = value
		s.toEnd(m)
	}
}

// toEnd inserts m behind all its equals.
func (s *sorted[T]) toEnd(m *Member[T]) {
	s.seq++
	m.seq = s.seq
	s.tree.Insert(&m.node)
}
