// SPDX-License-Identifier: Apache-2.0

package policy

import "iter"

// A Node is the place of one value in one [Tree]. It is meant to be a field of the value it points at, so that a
// tree allocates nothing. Set Value before the node is inserted; a node is in at most one tree at a time.
type Node[T any] struct {
	Value T

	parent, left, right *Node[T]
	best                *Node[T] // the best node of this subtree; nil unless the tree has a better function
	height              int8     // 0: in no tree
}

// In reports whether the node is in a tree.
func (n *Node[T]) In() bool { return n.height != 0 }

// A Tree is an ordered multiset as a height-balanced (AVL) binary tree of intrusive nodes, augmented with the
// best node of each subtree. Insert, Remove, First and Best cost O(log n); Min, Max and Len cost O(1); a step of Next,
// and moving the first node to the end without a best, cost amortised O(1). Equal values keep their order of insertion.
//
// Policies select from it, and the registrar's handlespace uses it for its indices. It is not safe for concurrent use.
type Tree[T any] struct {
	root, min, max *Node[T]
	len            int
	less           func(a, b T) bool
	better         func(a, b T) bool
}

// NewTree returns an empty tree in the order of less, without bests.
func NewTree[T any](less func(a, b T) bool) *Tree[T] {
	return &Tree[T]{less: less}
}

// NewBestTree returns an empty tree in the order of less that keeps the best node of each subtree. The function better
// must be a strict order without ties, and may change for a value only while the value is outside of the tree.
func NewBestTree[T any](less, better func(a, b T) bool) *Tree[T] {
	return &Tree[T]{less: less, better: better}
}

// Len returns the number of nodes.
func (t *Tree[T]) Len() int { return t.len }

// Min returns the first node, or nil.
func (t *Tree[T]) Min() *Node[T] { return t.min }

// Max returns the last node, or nil.
func (t *Tree[T]) Max() *Node[T] { return t.max }

// Next returns the node after n, or nil.
func (t *Tree[T]) Next(n *Node[T]) *Node[T] {
	if n.right != nil {
		return leftmost(n.right)
	}
	for n.parent != nil && n.parent.right == n {
		n = n.parent
	}
	return n.parent
}

func (t *Tree[T]) prev(n *Node[T]) *Node[T] {
	if n.left != nil {
		n = n.left
		for n.right != nil {
			n = n.right
		}
		return n
	}
	for n.parent != nil && n.parent.left == n {
		n = n.parent
	}
	return n.parent
}

// All yields the values in order. The tree must not change meanwhile.
func (t *Tree[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for n := t.min; n != nil; n = t.Next(n) {
			if !yield(n.Value) {
				return
			}
		}
	}
}

// First returns the first node for which reached is true, or nil. Along the order, reached must turn from false to
// true at most once, as for [sort.Search].
func (t *Tree[T]) First(reached func(T) bool) *Node[T] {
	var found *Node[T]
	for n := t.root; n != nil; {
		if reached(n.Value) {
			found, n = n, n.left
		} else {
			n = n.right
		}
	}
	return found
}

// Best returns the best of the nodes in front of the first for which reached is true, or nil; reached is as for First.
func (t *Tree[T]) Best(reached func(T) bool) *Node[T] {
	var best *Node[T]
	for n := t.root; n != nil; {
		if reached(n.Value) {
			n = n.left
			continue
		}
		if n.left != nil {
			best = t.pick(best, n.left.best)
		}
		best = t.pick(best, n)
		n = n.right
	}
	return best
}

func (t *Tree[T]) pick(a, b *Node[T]) *Node[T] {
	if a == nil || b != nil && t.better(b.Value, a.Value) {
		return b
	}
	return a
}

func leftmost[T any](n *Node[T]) *Node[T] {
	for n.left != nil {
		n = n.left
	}
	return n
}
