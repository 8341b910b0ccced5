// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rserpool/rserpool/asap/param"

// maxRedraws bounds how often one Select draws an element it already has, before it takes the drawn ones out of the
// sum. Three elements of ten equal ones need 0.3 redraws on average; only a pool with one dominant share needs more.
const maxRedraws = 4

// drawn selects members by lot, in proportion to their values: Random, Weighted Random, Randomized Least Used.
type drawn[T any] struct {
	rule       *Rule
	tree       *Tree[*Member[T]]
	selectable int    // members with a value above 0
	call       uint64 // number of the Select; a member of the current one has it as seq
}

func newDrawn[T any](rule *Rule) *drawn[T] {
	// Nothing is less than anything: the tree keeps the order of insertion, which is as good as any.
	return &drawn[T]{rule: rule, tree: NewWeightedTree(func(a, b *Member[T]) bool { return false })}
}

func (s *drawn[T]) Len() int { return s.tree.Len() }

func (s *drawn[T]) Insert(m *Member[T], p param.Policy) error {
	if m.node.In() {
		return errIn(m)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	m.policy, m.selections, m.value, m.seq = p, 0, 0, 0
	m.node.Value = m
	s.set(m, s.rule.Value(p, 0))
	s.tree.Insert(&m.node)
	return nil
}

func (s *drawn[T]) Update(m *Member[T], p param.Policy) error {
	if !m.node.In() {
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
	if s.tree.Remove(&m.node) {
		s.set(m, 0)
	}
}

// Select draws without replacement.
//
// RFC 5356, Section 4.4.2: "Each element MUST NOT be reported more than once to the pool user. The probability of
// selecting a pool element should be the ratio of the weight of that pool element to the sum of weights."
func (s *drawn[T]) Select(dst []*Member[T], n int, r Rand) []*Member[T] {
	start := len(dst)
	n = min(n, s.selectable)
	s.call++
	redraws := 0
	for len(dst)-start < n {
		// Drawing again until the lot falls on a new member is the same as drawing among the others.
		m := s.tree.Draw(r.Uint64N(s.tree.Sum())).Value
		if m.seq == s.call {
			if redraws++; redraws == maxRedraws {
				for _, picked := range dst[start:] {
					s.tree.SetWeight(&picked.node, 0)
				}
			}
			continue
		}
		m.seq = s.call
		dst = append(dst, m)
		if redraws >= maxRedraws {
			s.tree.SetWeight(&m.node, 0)
		}
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
	s.tree.SetWeight(&m.node, value)
}
