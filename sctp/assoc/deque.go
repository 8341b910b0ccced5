// SPDX-License-Identifier: Apache-2.0

package assoc

import "slices"

// A deque is a sequence that grows and shrinks at both ends at a constant cost,
// and elsewhere at the cost of the shorter side.
type deque[T any] struct {
	buf []T // the first off are room
	off int
}

func (d *deque[T]) items() []T { return d.buf[d.off:] }
func (d *deque[T]) len() int   { return len(d.buf) - d.off }

// insert puts v before the i-th item.
func (d *deque[T]) insert(i int, v T) {
	if i < d.len()/2 || i == 0 && d.off > 0 {
		d.makeRoom(1)
		d.off--
		items := d.items()
		copy(items[:i], items[1:])
		items[i] = v
		return
	}
	if len(d.buf) == cap(d.buf) && d.off >= d.len() && d.off > 0 {
		n := copy(d.buf, d.items())
		clear(d.buf[n:])
		d.buf, d.off = d.buf[:n], 0
	}
	d.buf = slices.Insert(d.buf, d.off+i, v)
}

// prepend puts items before the first.
func (d *deque[T]) prepend(items []T) {
	d.makeRoom(len(items))
	d.off -= len(items)
	copy(d.items(), items)
}

func (d *deque[T]) append(items []T) { d.buf = append(d.buf, items...) }

// makeRoom provides room for k items before the first.
func (d *deque[T]) makeRoom(k int) {
	if d.off >= k {
		return
	}
	n := d.len()
	room := max(k, n, 4)
	buf := make([]T, room+n, room+2*n)
	copy(buf[room:], d.items())
	d.buf, d.off = buf, room
}

// removeFront takes the first n items out, and gives back the memory of many.
func (d *deque[T]) removeFront(n int) {
	clear(d.buf[d.off : d.off+n])
	d.off += n
	if d.len() == 0 {
		d.reset()
	} else if tooRoomy(d.len(), cap(d.buf)) {
		d.buf, d.off = append(make([]T, 0, 2*d.len()), d.items()...), 0
	}
}

// tooRoomy tells whether a list is to give memory back.
func tooRoomy(length, capacity int) bool { return capacity > smallListLen && length < capacity/8 }

// shrunk is a list with less memory if it needs less.
func shrunk[T any](list []T) []T {
	if !tooRoomy(len(list), cap(list)) {
		return list
	}
	return append(make([]T, 0, 2*len(list)), list...)
}

// reset takes all items out and keeps the memory.
func (d *deque[T]) reset() {
	clear(d.items())
	d.buf, d.off = d.buf[:0], 0
}
