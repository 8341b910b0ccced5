// SPDX-License-Identifier: Apache-2.0

package assoc

// streamQueues holds messages in a queue for each stream, and chooses among the
// streams by the discipline of a scheduler (RFC 8260, Section 3).
//
// With DATA chunks the choice is made for a message, with I-DATA chunks for each
// chunk. The messages of one stream keep their order, ordered or not: "The
// sender MUST NOT process (move user data into I-DATA chunks and assign a TSN to
// it) more than one user message in any given stream at any time" (Section
// 2.2.2).
type streamQueues struct {
	rule        discipline
	perPacket   bool // the choice is made for a packet
	interleaved bool
	value       func(stream uint16) uint16

	pages  []*outPage
	bytes  int // of memory that the pages take
	active streamHeap
	turns  uint64

	open    *outMessage // with DATA chunks: what has been begun, and must be finished
	filling *outStream  // perPacket: what the packet under construction is of
}

// A discipline ranks streams: of those which have something to send the one
// with the lowest class and then the lowest tag is next, and of equals the one
// whose last turn is longest ago.
type discipline interface {
	// join ranks a stream that has something to send again, or whose value has
	// changed.
	join(s *outStream)
	// begun says that a message of a stream is being sent, in more than one piece.
	begun(s *outStream)
	// served ranks one of which n bytes have been sent.
	served(s *outStream, n int)
}

// An outStream is the sending half of a stream.
type outStream struct {
	head, tail *outMessage

	class uint16
	value uint16 // of Association.SetStreamValue
	index int32  // in the heap, or -1
	tag   uint64 // compared by serial number arithmetic
	end   uint64 // see fairQueueing
	turn  uint64 // when it had its last one
}

// An outPage holds streams with neighbouring identifiers, as an inPage does.
type outPage [inPageLen]outStream

func (q *streamQueues) stream(id uint16) *outStream {
	i := int(id) / inPageLen
	if i >= len(q.pages) || q.pages[i] == nil {
		q.bytes += newPageCost(q.pages, i, outPageSize)
		q.pages = widened(q.pages, i)
		p := new(outPage)
		for k := range p {
			p[k].index, p[k].value = -1, q.value(uint16(i*inPageLen+k))
		}
		q.pages[i] = p
	}
	return &q.pages[i][id%inPageLen]
}

func (q *streamQueues) push(m *outMessage) {
	s := q.stream(m.stream)
	if m.cut > 0 && !q.interleaved {
		q.open = m
	}
	if s.tail != nil {
		s.tail.next = m
		s.tail = m
		return
	}
	s.head, s.tail = m, m
	if s.index >= 0 {
		return // of the packet that is being filled
	}
	q.rule.join(s)
	q.active.push(s)
}

func (q *streamQueues) nextTurn(s *outStream) {
	q.turns++
	s.turn = q.turns
}

// peek returns the message to send from next. While a packet is filled that is
// for one stream only, it is nil when that has nothing more.
func (q *streamQueues) peek() *outMessage {
	switch {
	case q.open != nil:
		return q.open
	case q.filling != nil:
		return q.filling.head
	case len(q.active) == 0:
		return nil
	}
	return q.active[0].head
}

// served accounts for n bytes of what peek returned; done says that those were
// the last.
func (q *streamQueues) served(m *outMessage, n int, done bool) {
	s := q.stream(m.stream)
	if done {
		q.pop(s)
	}
	if q.perPacket {
		q.filling = s
	}
	if q.interleaved {
		q.turnOver(s, n)
		return
	}
	if !done {
		if q.open == nil {
			q.rule.begun(s)
		}
		q.open = m
		return
	}
	q.open = nil
	q.turnOver(s, len(m.data))
}

func (q *streamQueues) pop(s *outStream) {
	m := s.head
	if s.head, m.next = m.next, nil; s.head == nil {
		s.tail = nil
	}
}

// turnOver ranks a stream that has had its turn.
func (q *streamQueues) turnOver(s *outStream, n int) {
	q.rule.served(s, n)
	if q.filling == s {
		return // its turn lasts until endPacket
	}
	q.settle(s)
}

func (q *streamQueues) settle(s *outStream) {
	q.nextTurn(s)
	if s.head == nil {
		q.active.remove(s)
	} else {
		q.active.fix(s)
	}
}

// endPacket ends the turn of the stream which a packet was for.
func (q *streamQueues) endPacket() {
	s := q.filling
	q.filling = nil
	if s != nil && q.open == nil {
		q.settle(s)
	}
}

// remove takes a message out which is not to be sent, or not the rest of it. It
// is at the head of its stream.
func (q *streamQueues) remove(m *outMessage) {
	s := q.stream(m.stream)
	q.pop(s)
	if q.open == m {
		q.open = nil
		q.rule.served(s, m.cut)
	}
	if q.filling != s {
		q.settle(s)
	}
}

// all yields the messages, in no order that means anything.
func (q *streamQueues) all(yield func(*outMessage) bool) {
	for _, s := range q.active {
		for m := s.head; m != nil; m = m.next {
			if !yield(m) {
				return
			}
		}
	}
}

func (q *streamQueues) clear() {
	for _, s := range q.active {
		s.head, s.tail, s.index = nil, nil, -1
	}
	clear(q.active)
	q.active, q.open, q.filling = q.active[:0], nil, nil
}

// revalue gives a stream another value.
func (q *streamQueues) revalue(id, value uint16) {
	s := q.stream(id)
	s.value = value
	if s.index >= 0 {
		q.rule.join(s)
		q.active.fix(s)
	}
}

// before is the order in which streams are served.
func (s *outStream) before(o *outStream) bool {
	switch {
	case s.class != o.class:
		return s.class < o.class
	case s.tag != o.tag:
		return int64(s.tag-o.tag) < 0
	case s.turn != o.turn || s.head == nil || o.head == nil:
		return s.turn < o.turn
	}
	return s.head.seq < o.head.seq
}

// A streamHeap is a binary heap of streams that have something to send.
type streamHeap []*outStream

func (h *streamHeap) push(s *outStream) {
	s.index = int32(len(*h))
	*h = append(*h, s)
	h.up(int(s.index))
}

func (h *streamHeap) remove(s *outStream) {
	i, last := int(s.index), len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	s.index = -1
	if i < last {
		h.fix((*h)[i])
	}
}

// fix puts a stream where it belongs after its rank has changed.
func (h *streamHeap) fix(s *outStream) {
	h.up(int(s.index))
	h.down(int(s.index))
}

func (h streamHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = int32(i), int32(j)
}

func (h streamHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(h[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h streamHeap) down(i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(h) && h[child].before(h[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
