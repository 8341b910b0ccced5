// SPDX-License-Identifier: Apache-2.0

package handlespace

import "github.com/rserpool/rserpool/asap/param"

// A Cursor is a position in a walk over the handlespace, in the order of pool handles and of PE identifiers within. It
// is a plain value that holds no element: the handlespace may change between two steps, and a kept cursor continues
// from where it is. That is what a handle table transferred in several messages needs.
type Cursor struct {
	owned  bool
	home   uint32
	handle param.PoolHandle // of the last element; empty at the start
	id     uint32
}

// WalkAll returns a cursor at the start of all elements.
func WalkAll() Cursor { return Cursor{} }

// WalkOwned returns a cursor at the start of the elements that home owns.
func WalkOwned(home uint32) Cursor { return Cursor{owned: true, home: home} }

// Next returns the element behind the cursor and the cursor moved on behind it; nil at the end. To know whether there is
// more, look without keeping the new cursor.
func (s *Space) Next(c Cursor) (*Element, Cursor) {
	e := s.after(c)
	if e != nil {
		c.handle, c.id = e.pool.handle, e.pe.ID
	}
	return e, c
}

func (s *Space) after(c Cursor) *Element {
	if c.owned {
		o := s.owners[c.home]
		if o == nil {
			return nil
		}
		if n := o.elements.First(c.before); n != nil {
			return n.Value
		}
		return nil
	}
	p := s.byHandle.First(func(p *Pool) bool { return p.handle >= c.handle })
	if p == nil {
		return nil
	}
	if n := p.Value.elements.First(c.before); n != nil {
		return n.Value
	}
	if p = s.byHandle.Next(p); p == nil {
		return nil
	}
	return p.Value.elements.Min().Value
}

// before reports whether e is behind the cursor. No pool handle is empty, so the start is before all.
func (c Cursor) before(e *Element) bool {
	return e.pool.handle > c.handle || e.pool.handle == c.handle && e.pe.ID > c.id
}
