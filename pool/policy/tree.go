// SPDX-License-Identifier: Apache-2.0

package policy

import "iter"

// A Node is the place of one value in one [Tree]. It is meant to be a field of the value it points at, so that a
// tree allocates nothing. Set Value before the node is inserted; a node is in at most one tree at a time.
type Node[T any] struct {
	Value T

	parent, left, right *Node[T]
	best                *Node[T] // the best node of this subtree; nil unless the tree has a better function
	weight, sum         uint64   // own weight, and the weights of this subtree
	height              int8     // 0: in no tree
}

// In reports whether the node is in a tree.
func (n *Node[T]) In() bool { return n.height != 0 }

// Weight returns the weight given with [Tree.SetWeight].
func (n *Node[T]) Weight() uint64 { return n.weight }

// A Tree is an ordered multiset as a height-balanced (AVL) binary tree of intrusive nodes, augmented with the sum of
// weights and the best node of each subtree. Insert, Remove, SetWeight, Draw, First and Best cost O(log n); Min, Max
// and Len cost O(1); a step of Next costs amortised O(1). Equal values keep their order of insertion.
//
// Policies select from it, and the registrar's handlespace uses it for its indices. It is not safe for concurrent use.
type Tree[T any] struct {
	root, min, max *Node[T]
	len            int
	less           func(a, b T) bool
	better         func(a, b T) bool
	weighted       bool
}

// NewTree returns an empty tree in the order of less, without sums.
func NewTree[T any](less func(a, b T) bool) *Tree[T] {
	return &Tree[T]{less: less}
}

// NewWeightedTree returns an empty tree in the order of less that keeps the sum of weights of each subtree.
func NewWeightedTree[T any](less func(a, b T) bool) *Tree[T] {
	return &Tree[T]{less: less, weighted: true}
}

// NewBestTree returns an empty tree in the order of less that keeps the best node of each subtree. The function better
// must be a strict order without ties, and may change for a value only while the value is outside of the tree.
func NewBestTree[T any](less, better func(a, b T) bool) *Tree[T] {
	return &Tree[T]{less: less, better: better}
}

// Len returns the number of nodes.
func (t *Tree[T]) Len() int { return t.len }

// Sum returns the sum of all weights; 0 in a tree without sums.
func (t *Tree[T]) Sum() uint64 {
	if t.root == nil {
		return 0
	}
	return t.root.sum
}

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

// Draw returns the node that covers point r when the weights are laid end to end in order, or nil if r is not below
// Sum. A uniform r finds each node with the probability weight/Sum; a node of weight 0 is never found.
func (t *Tree[T]) Draw(r uint64) *Node[T] {
	n := t.root
	if n == nil || r >= n.sum {
		return nil
	}
	for {
		if n.left != nil {
			if r < n.left.sum {
				n = n.left
				continue
			}
			r -= n.left.sum
		}
		if r < n.weight {
			return n
		}
		r -= n.weight
		n = n.right
	}
}

// SetWeight sets the weight of a node, inside or outside of the tree. The sum of all weights must stay below 2^64.
func (t *Tree[T]) SetWeight(n *Node[T], weight uint64) {
	delta := weight - n.weight // modulo 2^64
	n.weight = weight
	if delta == 0 || !n.In() {
		return
	}
	for ; n != nil; n = n.parent {
		n.sum += delta
	}
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
