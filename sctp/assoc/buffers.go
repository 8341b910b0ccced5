// SPDX-License-Identifier: Apache-2.0

package assoc

import "math/bits"

const (
	minBufBits = 6  // 64 bytes
	maxBufBits = 20 // larger buffers are not kept
	// maxPooledBytes bounds what a pool keeps for later.
	maxPooledBytes = 8 << 20
)

// A bufPool keeps buffers for reuse, by size class. It belongs to one
// association, so that it needs no lock.
type bufPool struct {
	classes *bufClasses // nil: none are kept
	bytes   int
}

type bufClasses [maxBufBits - minBufBits + 1][][]byte

// get returns an empty buffer with room for n bytes.
func (p *bufPool) get(n int) []byte {
	c := max(bits.Len(uint(max(n, 1)-1)), minBufBits)
	if c > maxBufBits {
		return make([]byte, 0, n)
	}
	if p.classes == nil {
		return make([]byte, 0, 1<<c)
	}
	free := &p.classes[c-minBufBits]
	if k := len(*free); k > 0 {
		b := (*free)[k-1]
		(*free)[k-1] = nil
		*free = (*free)[:k-1]
		p.bytes -= cap(b)
		return b
	}
	return make([]byte, 0, 1<<c)
}

// put gives a buffer back; the caller must not use it any more.
func (p *bufPool) put(b []byte) {
	c := bits.Len(uint(cap(b))) - 1
	if c < minBufBits || c > maxBufBits || cap(b) != 1<<c || p.bytes+cap(b) > maxPooledBytes {
		return
	}
	if p.classes == nil {
		p.classes = new(bufClasses)
	}
	p.bytes += cap(b)
	p.classes[c-minBufBits] = append(p.classes[c-minBufBits], b[:0])
}

// A msgQueue is a FIFO of messages.
type msgQueue struct {
	items []Message
	head  int
}

func (q *msgQueue) push(m Message) { q.items = append(q.items, m) }

func (q *msgQueue) pop() (Message, bool) {
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
		return Message{}, false
	}
	m := q.items[q.head]
	q.items[q.head] = Message{}
	q.head++
	return m, true
}
