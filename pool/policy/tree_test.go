// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type leaf struct {
	key, grade int
	node       Node[*leaf]
}

func lessKey(a, b *leaf) bool { return a.key < b.key }

func lessGrade(a, b *leaf) bool { return a.grade < b.grade }

// check fails unless the tree is balanced, ordered, and its bests are right.
func checkTree[T any](t require.TestingT, tree *Tree[T]) {
	n := 0
	var visit func(parent, node *Node[T]) (height int8, best *Node[T])
	visit = func(parent, node *Node[T]) (int8, *Node[T]) {
		if node == nil {
			return 0, nil
		}
		n++
		require.True(t, node.parent == parent, "parent link")
		lh, lb := visit(node, node.left)
		rh, rb := visit(node, node.right)
		require.LessOrEqual(t, max(lh, rh)-min(lh, rh), int8(1), "balance")
		require.Equal(t, 1+max(lh, rh), node.height, "height")
		best := node
		if tree.better != nil {
			for _, b := range []*Node[T]{lb, rb} {
				if b != nil && tree.better(b.Value, best.Value) {
					best = b
				}
			}
			require.True(t, best == node.best, "best")
		}
		return node.height, best
	}
	visit(nil, tree.root)
	require.Equal(t, n, tree.Len())
	var last *Node[T]
	for node := tree.Min(); node != nil; node = tree.Next(node) {
		require.True(t, tree.prev(node) == last, "prev")
		if last != nil {
			require.False(t, tree.less(node.Value, last.Value), "order")
		}
		last = node
	}
	require.True(t, tree.Max() == last, "max")
}

// A tree and a stably sorted slice are given the same commands and must always answer the same.
func TestTreeAgainstSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := NewBestTree(lessKey, lessGrade)
		var twin []*leaf
		grade := 0
		some := func(t *rapid.T) *leaf {
			if len(twin) == 0 {
				t.Skip("empty")
			}
			return rapid.SampledFrom(twin).Draw(t, "leaf")
		}
		insert := func(l *leaf) {
			i, _ := slices.BinarySearchFunc(twin, l, func(a, b *leaf) int {
				if a.key <= b.key {
					return -1
				}
				return 1
			})
			twin = slices.Insert(twin, i, l)
			require.True(t, tree.Insert(&l.node))
			require.False(t, tree.Insert(&l.node), "already in")
		}
		remove := func(l *leaf) {
			twin = slices.Delete(twin, slices.Index(twin, l), slices.Index(twin, l)+1)
			require.True(t, tree.Remove(&l.node))
			require.False(t, tree.Remove(&l.node), "already out")
		}
		keys := rapid.IntRange(0, 20)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				grade += 7919
				l := &leaf{key: keys.Draw(t, "key"), grade: grade % 1000003} // scattered, without ties
				l.node.Value = l
				insert(l)
			},
			"remove": func(t *rapid.T) { remove(some(t)) },
			"move": func(t *rapid.T) {
				l := some(t)
				remove(l)
				l.key = keys.Draw(t, "key")
				insert(l)
			},
			"first": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				reached := func(l *leaf) bool { return l.key >= key }
				i := slices.IndexFunc(twin, reached)
				first, best := tree.First(reached), tree.Best(reached)
				if i < 0 {
					require.Nil(t, first)
					i = len(twin)
				} else {
					require.Same(t, twin[i], first.Value)
				}
				if i == 0 {
					require.Nil(t, best)
					return
				}
				require.Same(t, slices.MinFunc(twin[:i], func(a, b *leaf) int { return a.grade - b.grade }), best.Value)
			},
			"": func(t *rapid.T) {
				checkTree(t, tree)
				require.True(t, slices.Equal(twin, slices.Collect(tree.All())))
			},
		})
	})
}
