// SPDX-License-Identifier: Apache-2.0

package policy

// A queue holds the members of one weight in Weighted Round Robin.
type queue[T any] struct {
	weight  uint64
	members *Tree[*Member[T]] // by start of the turn
	head    *Node[*Member[T]] // who is next; while a Select looks ahead, not the first
	node    Node[*queue[T]]   // among the heads, unless head is nil
}

func newQueue[T any]() *queue[T] {
	q := &queue[T]{members: NewTree(func(a, b *Member[T]) bool {
		if a.round != b.round {
			return a.round < b.round
		}
		return a.slot < b.slot || a.slot == b.slot && a.seq < b.seq
	})}
	q.node.Value = q
	return q
}

// startsBefore compares the turns of two heads by their starts.
func startsBefore[T any](p, q *queue[T]) bool {
	return p.head.Value.start().before(p.weight, q.head.Value.start(), q.weight)
}

// dueBefore compares the turns of two heads by when they are due; of equal ones, the member that came first is first.
func dueBefore[T any](p, q *queue[T]) bool {
	a, b := p.head.Value, q.head.Value
	x, y := a.start().next(p.weight), b.start().next(q.weight)
	if x.before(p.weight, y, q.weight) {
		return true
	}
	return a.seq < b.seq && !y.before(q.weight, x, p.weight)
}

// enqueue puts m into the queue of its weight.
func (s *interleaved[T]) enqueue(m *Member[T]) {
	q := s.queues[m.value]
	if q == nil {
		if q, s.spare = s.spare, nil; q == nil {
			q = newQueue[T]()
		}
		q.weight = m.value
		s.queues[q.weight] = q
	}
	m.queue = q
	q.members.Insert(&m.node)
	s.busy++
	if q.head != q.members.Min() {
		s.aim(q, q.members.Min())
	}
}

// dequeue takes m out of its queue.
func (s *interleaved[T]) dequeue(m *Member[T]) {
	q := m.queue
	m.queue = nil
	q.members.Remove(&m.node)
	s.busy--
	if q.head == &m.node {
		s.aim(q, q.members.Min())
	}
	if q.head == nil {
		delete(s.queues, q.weight)
		s.spare = q
	}
}

// aim makes a member the head of its queue, or none.
func (s *interleaved[T]) aim(q *queue[T], head *Node[*Member[T]]) {
	s.heads.Remove(&q.node)
	q.head = head
	if head != nil {
		s.heads.Insert(&q.node)
	}
}
