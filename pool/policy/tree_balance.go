// SPDX-License-Identifier: Apache-2.0

package policy

// Insert adds a node behind all nodes that are not greater. It reports false, and changes nothing, if the node already
// is in a tree.
func (t *Tree[T]) Insert(n *Node[T]) bool {
	if n.In() {
		return false
	}
	n.height = 1
	t.pull(n)
	t.len++
	switch {
	case t.root == nil:
		t.root, t.min, t.max = n, n, n
		return true
	case !t.less(n.Value, t.max.Value): // The usual case of a round: to the end, without a descent.
		t.max.right, n.parent = n, t.max
		t.max = n
	case t.less(n.Value, t.min.Value):
		t.min.left, n.parent = n, t.min
		t.min = n
	default:
		t.attach(n)
	}
	t.retrace(n.parent)
	return true
}

// attach hangs n under the leaf where it belongs.
func (t *Tree[T]) attach(n *Node[T]) {
	for p := t.root; ; {
		n.parent = p
		if t.less(n.Value, p.Value) {
			if p.left == nil {
				p.left = n
				return
			}
			p = p.left
		} else {
			if p.right == nil {
				p.right = n
				return
			}
			p = p.right
		}
	}
}

// Remove takes a node out of the tree. It reports false if the node is in no tree. The values of the
// tree may have changed their order before, as long as they are removed before anything is inserted or searched.
func (t *Tree[T]) Remove(n *Node[T]) bool {
	if !n.In() {
		return false
	}
	if t.min == n {
		t.min = t.Next(n)
	}
	if t.max == n {
		t.max = t.prev(n)
	}
	t.len--
	var fix *Node[T] // the lowest node whose subtree changed
	var s *Node[T]   // the node that takes the place of n, if it has two children
	switch {
	case n.left == nil:
		fix = n.parent
		t.replace(n, n.right)
	case n.right == nil:
		fix = n.parent
		t.replace(n, n.left)
	default:
		s = leftmost(n.right)
		fix = s
		if s.parent != n {
			fix = s.parent
			t.replace(s, s.right)
			s.right = n.right
			s.right.parent = s
		}
		s.left = n.left
		s.left.parent = s
		s.height, s.best = n.height, n.best
		t.replace(n, s)
	}
	n.parent, n.left, n.right, n.best = nil, nil, nil, nil
	n.height = 0
	t.retrace(fix)
	if s != nil {
		t.retrace(s) // the first may have ended below it
	}
	return true
}

// replace puts the subtree c, which may be empty, at the place of n under n's parent.
func (t *Tree[T]) replace(n, c *Node[T]) {
	p := n.parent
	switch {
	case p == nil:
		t.root = c
	case p.left == n:
		p.left = c
	default:
		p.right = c
	}
	if c != nil {
		c.parent = p
	}
}

// retrace restores heights, balance and bests from n up. It ends where neither the height nor the best of a subtree has
// changed.
func (t *Tree[T]) retrace(n *Node[T]) {
	for n != nil {
		height, best := n.height, n.best
		t.pull(n)
		switch balance := heightOf(n.left) - heightOf(n.right); {
		case balance > 1:
			if heightOf(n.left.left) < heightOf(n.left.right) {
				t.rotateLeft(n.left)
			}
			n = t.rotateRight(n)
		case balance < -1:
			if heightOf(n.right.right) < heightOf(n.right.left) {
				t.rotateRight(n.right)
			}
			n = t.rotateLeft(n)
		}
		if n.height == height && n.best == best {
			return
		}
		n = n.parent
	}
}

// rotateLeft lifts the right child of n over n and returns it.
func (t *Tree[T]) rotateLeft(n *Node[T]) *Node[T] {
	c := n.right
	t.replace(n, c)
	n.right = c.left
	if n.right != nil {
		n.right.parent = n
	}
	c.left, n.parent = n, c
	t.pull(n)
	t.pull(c)
	return c
}

// rotateRight lifts the left child of n over n and returns it.
func (t *Tree[T]) rotateRight(n *Node[T]) *Node[T] {
	c := n.left
	t.replace(n, c)
	n.left = c.right
	if n.left != nil {
		n.left.parent = n
	}
	c.right, n.parent = n, c
	t.pull(n)
	t.pull(c)
	return c
}

// pull computes what n knows about its subtree from its children.
func (t *Tree[T]) pull(n *Node[T]) {
	n.height = 1 + max(heightOf(n.left), heightOf(n.right))
	if t.better != nil {
		n.best = n
		if n.left != nil {
			n.best = t.pick(n.best, n.left.best)
		}
		if n.right != nil {
			n.best = t.pick(n.best, n.right.best)
		}
	}
}

func heightOf[T any](n *Node[T]) int8 {
	if n == nil {
		return 0
	}
	return n.height
}
