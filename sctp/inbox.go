// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"slices"
	"sync"
	"sync/atomic"
)

// An inbox holds the messages which the engine delivered and the user has not
// taken yet: one queue for the Conn and one for each open Stream. It has a
// small lock of its own, so that a reader need not wait for the engine.
//
// What the user has taken is reported back to the engine when it is worth a
// window update (reportAt bytes), or when someone enters the engine anyway.
type inbox struct {
	mu      sync.Mutex
	main    queue
	streams []*Stream           // by stream identifier; nil: not claimed
	touched []*queue            // got messages since the last wake
	parts   map[partKey]*Stream // where the rest of messages goes; nil: main
	err     error               // what Recv returns once the queue is empty
	closed  error               // set by close: what is queued and what comes is discarded

	reportAt int
	unread   taken // taken and not reported yet
	dirty    atomic.Bool

	one       bool            // see wokeOne
	watched   <-chan struct{} // Done of the context that watch watches
	stopWatch func() bool
}

// taken is what the engine has not been told yet.
type taken struct {
	msgs, bytes int
	bufs        [][]byte // to be recycled
}

// A queue is a FIFO of messages with any number of waiting readers. Nothing is
// moved as it grows, and what it does not need any more serves other queues.
type queue struct {
	head, tail  *segment
	first, last int // index of the first message in head, behind the last in tail
	n           int
	waiters     int
	direct      *turn // someone who waits reads the socket
	able        bool  // who waits could read the socket
	marked      bool  // listed in inbox.touched
	// signal wakes one waiter. Whoever leaves something behind for the next
	// waiter signals again, so one token is enough.
	signal chan struct{}
}

const segmentLen = 64

type segment struct {
	msgs [segmentLen]Message
	next *segment
}

var segments = sync.Pool{New: func() any { return new(segment) }}

const (
	maxRecycle    = 8192 // buffers kept for the engine between two entries
	reportDivisor = 8    // of the receive buffer: see inbox.reportAt
)

func newQueue() queue { return queue{signal: make(chan struct{}, 1)} }

func (q *queue) push(m Message) {
	switch {
	case q.tail == nil:
		q.tail = segments.Get().(*segment)
		q.head = q.tail
	case q.last == segmentLen:
		q.tail.next = segments.Get().(*segment)
		q.tail, q.last = q.tail.next, 0
	}
	q.tail.msgs[q.last] = m
	q.last++
	q.n++
}

// front returns the message that pop will.
func (q *queue) front() *Message { return &q.head.msgs[q.first] }

func (q *queue) pop() Message {
	m := *q.front()
	*q.front() = Message{}
	q.first++
	q.n--
	if q.n == 0 {
		q.first, q.last = 0, 0 // it holds nothing before or behind
	} else if q.first == segmentLen {
		s := q.head
		q.head, q.first = s.next, 0
		s.next = nil
		segments.Put(s)
	}
	return m
}

// wake lets one waiter look again.
func (q *queue) wake() {
	if q.waiters == 0 {
		q.interrupt()
		return
	}
	q.wakeWaiter()
}

// wakeWaiter is wake for those who do not read the socket.
func (q *queue) wakeWaiter() {
	if q.waiters == 0 {
		return
	}
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// interrupt lets who reads the socket look again.
func (q *queue) interrupt() {
	if q.direct != nil {
		q.direct.interrupt()
	}
}

// deliver takes a message from the engine. The lock is held.
func (in *inbox) deliver(m Message) {
	q := &in.main
	var s *Stream
	if int(m.Stream) < len(in.streams) {
		s = in.streams[m.Stream]
	}
	if m.Part != PartWhole {
		s = in.routePart(&m, s)
	}
	if s != nil {
		q = &s.queue
		if s.closed {
			in.discard(m)
			return
		}
	}
	if in.closed != nil {
		in.discard(m)
		return
	}
	q.push(m)
	if !q.marked {
		q.marked = true
		in.touched = append(in.touched, q)
	}
}

// wake wakes the readers of the queues which got something.
func (in *inbox) wake() {
	in.one = len(in.touched) == 1 && in.touched[0].waiters == 1 && in.touched[0].n == 1 && in.touched[0].able
	for i, q := range in.touched {
		q.marked = false
		q.wake()
		in.touched[i] = nil
	}
	in.touched = in.touched[:0]
}

// account notes that the user took m, and says whether the engine should be
// told now. The lock is held.
func (in *inbox) account(size int) bool {
	in.unread.msgs++
	in.unread.bytes += size
	in.dirty.Store(true)
	return in.unread.bytes+in.unread.msgs*messageCost >= in.reportAt
}

// messageCost weighs small messages in the decision when to report.
const messageCost = 128

func (in *inbox) recycle(b []byte) {
	if len(in.unread.bufs) < maxRecycle {
		in.unread.bufs = append(in.unread.bufs, b)
	}
}

func (in *inbox) discard(m Message) {
	in.account(len(m.Data))
	in.recycle(m.Data)
}

// take returns what the engine has to be told; t is empty and gives its memory.
func (in *inbox) take(t *taken) {
	in.mu.Lock()
	*t, in.unread = in.unread, *t
	in.dirty.Store(false)
	in.mu.Unlock()
}

// fail ends reception: err is returned after what is queued. The first reason
// counts. The lock is held.
func (in *inbox) fail(err error) {
	if in.err == nil {
		in.err = err
	}
	in.wakeAll()
}

func (in *inbox) wakeAll() {
	in.main.wake()
	for _, s := range in.streams {
		if s != nil {
			s.queue.wake()
		}
	}
}

// close discards everything: readers get err.
func (in *inbox) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed != nil {
		return
	}
	in.closed = err
	in.drain(&in.main)
	for _, s := range in.streams {
		if s != nil {
			in.drain(&s.queue)
			s.dropRest()
		}
	}
	in.wakeAll()
}

func (in *inbox) drain(q *queue) {
	for q.n > 0 {
		in.discard(q.pop())
	}
}

// claim makes the queue of a stream view the one its messages go to, those
// which wait in the main queue included. The lock is held.
func (in *inbox) claim(s *Stream) {
	if need := int(s.id) + 1 - len(in.streams); need > 0 {
		in.streams = slices.Grow(in.streams, need)[:int(s.id)+1]
	}
	in.streams[s.id] = s
	begun := make(map[partKey]bool)
	for range in.main.n {
		if m := in.main.pop(); m.Stream == s.id && in.claimPart(&m, s, begun) {
			s.queue.push(m)
		} else {
			in.main.push(m)
		}
	}
}
