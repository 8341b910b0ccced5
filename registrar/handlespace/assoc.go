// SPDX-License-Identifier: Apache-2.0

package handlespace

// Bind notes the association through which an element is reached; 0 for none.
func (s *Space) Bind(e *Element, assoc uint64) {
	if e.assoc == assoc {
		return
	}
	if e.assoc != 0 {
		if next := e.nextOfAssoc; next == e {
			delete(s.assocs, e.assoc)
		} else {
			e.prevOfAssoc.nextOfAssoc, next.prevOfAssoc = next, e.prevOfAssoc
			if s.assocs[e.assoc] == e {
				s.assocs[e.assoc] = next
			}
		}
		e.nextOfAssoc, e.prevOfAssoc, e.assoc = nil, nil, 0
	}
	if assoc == 0 || !e.In() {
		return
	}
	e.assoc = assoc
	if first := s.assocs[assoc]; first == nil {
		e.nextOfAssoc, e.prevOfAssoc = e, e
		s.assocs[assoc] = e
	} else {
		e.nextOfAssoc, e.prevOfAssoc = first, first.prevOfAssoc
		first.prevOfAssoc.nextOfAssoc = e
		first.prevOfAssoc = e
	}
}

// OfAssoc appends the elements registered over an association to dst, in the order in which they were bound to it.
// Association 0 has none.
func (s *Space) OfAssoc(dst []*Element, assoc uint64) []*Element {
	first := s.assocs[assoc]
	for e := first; e != nil; {
		dst = append(dst, e)
		if e = e.nextOfAssoc; e == first {
			break
		}
	}
	return dst
}
