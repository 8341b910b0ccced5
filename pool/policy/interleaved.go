// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/bits"

	"github.com/rserpool/rserpool/asap/param"
)

// interleaved is Weighted Round Robin.
//
// RFC 5356, Section 4.2.2: "The multiple entries of each pool element should be as evenly distributed as possible in the
// circular list."
//
// The list is not built, it would be as long as the sum of weights W; it is computed as the fair schedule of W turns
// per round. A member of weight w has turns x = 0…w-1, which start at x/w of the round and are due at (x+1)/w. Time
// goes on by 1/W with each selection, which goes to the turn due first among those that have started. So a member
// is never a whole turn ahead or behind of its share: weights 2:1 give ABA, 4:4 gives ABABABAB, 5:1:1 gives ABAACAA.
// All fractions are compared exactly.
//
// Members of the same weight have their turns in the order of the starts, which is that of the dues as well. So they
// stand in a queue, and only the heads of the queues are compared: as many as there are different weights.
type interleaved[T any] struct {
	rule      *Rule
	queues    map[uint64]*queue[T] // by weight; none is empty
	heads     *Tree[*queue[T]]     // by start of the head's turn; best is the turn due first
	spare     *queue[T]            // an empty one to be used again
	busy      int                  // members with a weight
	idle      int                  // members of weight 0
	seq       uint64
	now       turn
	total     uint64 // the sum of weights, below 2^64
	increment int
}

// turn is a time: a number of whole rounds, and slot parts of the next one. The number of parts per round comes from the
// context: the total for the present time, the weight of a member for its turns.
type turn struct{ round, slot uint64 }

// next returns the time one part later.
func (t turn) next(parts uint64) turn {
	if t.slot+1 >= parts {
		return turn{t.round + 1, 0}
	}
	return turn{t.round, t.slot + 1}
}

// before compares t, in parts of p, with u, in parts of q.
func (t turn) before(p uint64, u turn, q uint64) bool {
	if t.round != u.round {
		return t.round < u.round
	}
	h1, l1 := bits.Mul64(t.slot, q)
	h2, l2 := bits.Mul64(u.slot, p)
	return h1 < h2 || h1 == h2 && l1 < l2
}

// in converts t from parts of p to parts of q, rounding down or up.
func (t turn) in(p, q uint64, up bool) turn {
	if p == 0 || q == 0 {
		return turn{t.round, 0}
	}
	hi, lo := bits.Mul64(t.slot, q)
	slot, rest := bits.Div64(hi, lo, p) // slot < p, so the quotient fits
	if up && rest > 0 {
		return turn{t.round, slot}.next(q)
	}
	return turn{t.round, slot}
}

func newInterleaved[T any](rule *Rule, increment int) *interleaved[T] {
	// Round 0 stays free, so that the present can be set back by a part.
	return &interleaved[T]{rule: rule, increment: increment, now: turn{round: 1},
		queues: make(map[uint64]*queue[T]), heads: NewBestTree(startsBefore[T], dueBefore[T])}
}

func (m *Member[T]) start() turn { return turn{m.round, m.slot} }

func (s *interleaved[T]) Len() int { return s.busy + s.idle }

func (s *interleaved[T]) Insert(m *Member[T], p param.Policy) error {
	if m.node.In() || m.idle {
		return errIn(m)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	s.seq++
	m.policy, m.seq, m.node.Value = p, s.seq, m
	s.join(m, s.rule.Value(p, 0), false)
	return nil
}

func (s *interleaved[T]) Update(m *Member[T], p param.Policy) error {
	if !m.node.In() && !m.idle {
		return s.Insert(m, p)
	}
	if err := s.rule.Check(p); err != nil {
		return err
	}
	m.policy = p
	if weight := s.rule.Value(p, 0); weight != m.value {
		s.join(m, weight, s.leave(m))
	}
	return nil
}

func (s *interleaved[T]) Remove(m *Member[T]) {
	if m.node.In() || m.idle {
		s.leave(m)
	}
}

// Select commits the first turns and looks ahead for the others, which are there as a reserve.
func (s *interleaved[T]) Select(dst []*Member[T], n int, _ Rand) []*Member[T] {
	start := len(dst)
	n = min(n, s.busy)
	now := s.now
	for i := range n {
		future := func(q *queue[T]) bool { return now.before(s.total, q.head.Value.start(), q.weight) }
		node := s.heads.Best(future)
		if node == nil { // Who is left has had its share: time jumps to the next turn.
			next := s.heads.Min().Value
			now = next.head.Value.start().in(next.weight, s.total, true)
			node = s.heads.Best(future)
		}
		q := node.Value
		dst = append(dst, q.head.Value)
		if i < n-1 { // it must not be found again
			s.aim(q, q.members.Next(q.head))
		}
		now = now.next(s.total)
		if i < s.increment {
			s.now = now
		}
	}
	picked := dst[start:]
	for _, m := range picked[:min(s.increment, len(picked))] {
		s.heads.Remove(&m.queue.node)
		m.queue.members.Remove(&m.node)
		t := m.start().next(m.value)
		m.round, m.slot, m.served = t.round, t.slot, true
		m.queue.members.Insert(&m.node)
	}
	for _, m := range picked {
		if q := m.queue; !q.node.In() || q.head != q.members.Min() {
			s.aim(q, q.members.Min())
		}
	}
	return dst
}

// join puts m into the schedule with its first turn not before the present, or one turn later.
func (s *interleaved[T]) join(m *Member[T], weight uint64, later bool) {
	m.value = weight
	if weight == 0 {
		// RFC 5356, Section 3.2: "A weight of 0 denotes that the pool element is not capable of providing any service"
		m.idle = true
		s.idle++
		return
	}
	m.served = false
	s.rescale(s.total + weight)
	t := s.now.in(s.total, weight, true)
	if later {
		t = t.next(weight)
	}
	m.round, m.slot = t.round, t.slot
	s.enqueue(m)
}

// leave takes m out of the schedule and tells whether it has been served ahead of its share.
func (s *interleaved[T]) leave(m *Member[T]) (ahead bool) {
	if m.idle {
		m.idle = false
		s.idle--
		return false
	}
	ahead = m.served && s.now.before(s.total, m.start(), m.value)
	s.dequeue(m)
	s.rescale(s.total - m.value)
	if ahead && s.total > 0 {
		// The others have waited for it. The present must not run away from their turns, or all would have started.
		if s.now.slot > 0 {
			s.now.slot--
		} else if s.now.round > 0 {
			s.now = turn{s.now.round - 1, s.total - 1}
		}
	}
	return ahead
}

// rescale changes the number of parts per round; the present is rounded down.
func (s *interleaved[T]) rescale(total uint64) {
	s.now = s.now.in(s.total, total, false)
	s.total = total
}
