// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// Rand is the source of randomness of a selection; [math/rand/v2.Rand] is one.
type Rand interface {
	// Uint64N returns a uniformly distributed number in [0, n); n is never 0.
	Uint64N(n uint64) uint64
}

// A Member is one pool element in a [Selector]. It is meant to be a field of Elem's type, or of what Elem points at: a
// selector allocates little of its own. Set Elem before inserting it; a member is in at most one selector at a time.
type Member[T any] struct {
	Elem T

	// Near is for the caller: bytes it reads of each member it has selected. Lots that are drawn ahead fetch them into the
	// processor's cache.
	Near []byte

	value      uint64 // what the rule says: sort key, share or weight
	node       Node[*Member[T]]
	queue      *queue[T] // Weighted Round Robin: of its weight
	seq        uint64    // place among equals
	slot       uint64    // drawn: the place among the shares
	round      uint64    // Weighted Round Robin: with slot, the start of the next turn
	selections uint64    // since the last (re-)registration
	drawn      bool      // drawn: in the selector
	served     bool      // Weighted Round Robin: selected since it joined
	idle       bool      // Weighted Round Robin: weight 0, in the selector but in no queue
	policy     param.Policy
}

// Policy returns the policy parameter the member was last inserted or updated with.
func (m *Member[T]) Policy() param.Policy { return m.policy }

// Selections returns how often the member was selected since its last Insert or Update: the "degradation counter" of
// RFC 5356, Section 5.2.2. It is kept for policies that ask for it only ([Rule.Degrades]).
func (m *Member[T]) Selections() uint64 { return m.selections }

// A Selector keeps the elements of one pool in the order of the pool's policy and selects from them. All operations
// cost O(log n) per element; Select allocates nothing, apart from growing dst. It is not safe for concurrent use.
type Selector[T any] interface {
	// Insert adds a member with the policy parameter it registered. The error is that of [Rule.Check].
	Insert(m *Member[T], p param.Policy) error
	// Update gives a member the policy parameter of its re-registration. A member that did not change keeps its place.
	Update(m *Member[T], p param.Policy) error
	// Remove takes a member out; it does nothing if the member is not in.
	Remove(m *Member[T])
	// Select appends up to n distinct members to dst, the one to try first in front, and turns the order for the next
	// call. Members the policy never selects (weight 0) are left out. Policies without randomness accept a nil Rand.
	Select(dst []*Member[T], n int, r Rand) []*Member[T]
	// Len returns the number of members, selectable or not.
	Len() int
}

// NewSelector returns an empty selector for a policy. How many of the selected elements are turned to the end of
// their round per Select is maxIncrement; 0 means the 1 of RFC 5356, Section 4.1.2: "Then the head SHOULD be advanced by
// one element." A pool user that takes n elements off its own list for n sessions passes a larger number.
func NewSelector[T any](rule *Rule, maxIncrement int) (Selector[T], error) {
	if err := rule.valid(); err != nil {
		return nil, err
	}
	if maxIncrement <= 0 {
		maxIncrement = 1
	}
	switch rule.Discipline {
	case Drawn:
		return newDrawn[T](rule), nil
	case Interleaved:
		return newInterleaved[T](rule, maxIncrement), nil
	default:
		return newSorted[T](rule, maxIncrement), nil
	}
}

// errIn is the answer to inserting a member twice, which is a mistake of the caller.
func errIn[T any](m *Member[T]) error {
	return fmt.Errorf("policy: member %v is in a selector already", m.Elem)
}
