// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An outMessage is a message on its way out. Its fragments are cut when they
// are sent; it is kept until the last of them is acknowledged.
type outMessage struct {
	stream    uint16
	ssn       wire.SSN
	ppid      wire.PPID
	unordered bool
	immediate bool
	data      []byte
	cut       int // bytes already in DATA chunks
	unacked   int // bytes in DATA chunks not yet acknowledged, and not cut

	rel       Reliability
	expires   time.Duration // see Association.since
	abandoned bool          // the user has its data back
}

// A sendQueue holds the messages of which something is still to be sent for
// the first time: first come, first served over all streams. A message's
// fragments have consecutive TSNs (RFC 9260, Section 6.9), so one is sent
// whole before the next begins.
type sendQueue struct {
	msgs    []*outMessage
	head    int
	unsent  int // bytes of data not yet cut
	bytes   int // bytes of data not yet acknowledged, with a cost per message
	partial int // messages that are not reliable, among those
	nextSSN []wire.SSN
	pool    bufPool
	free    []*outMessage

	pushed, popped uint64 // messages, ever
	fence          uint64 // what was pushed after so many waits, if fenced
	fenced         bool
}

func (q *sendQueue) init(streams int) { q.nextSSN = make([]wire.SSN, streams) }

// push copies a message into the queue.
func (q *sendQueue) push(m *Message, expires time.Duration) {
	var o *outMessage
	if n := len(q.free); n > 0 {
		o = q.free[n-1]
		q.free = q.free[:n-1]
	} else {
		o = new(outMessage)
	}
	*o = outMessage{
		stream: m.Stream, ppid: m.PPID, unordered: m.Unordered, immediate: m.Immediate,
		data: append(q.pool.get(len(m.Data)), m.Data...), unacked: len(m.Data),
		rel: m.Reliability, expires: expires,
	}
	if m.Reliability.policy != PRNone {
		q.partial++
	}
	if q.head > 0 && len(q.msgs) == cap(q.msgs) {
		n := copy(q.msgs, q.msgs[q.head:])
		clear(q.msgs[n:])
		q.msgs, q.head = q.msgs[:n], 0
	}
	q.msgs = append(q.msgs, o)
	q.pushed++
	q.unsent += len(m.Data)
	q.bytes += len(m.Data) + perMessageCost
}

// peek returns the message to send from next, or nil.
func (q *sendQueue) peek() *outMessage {
	if q.head == len(q.msgs) {
		return nil
	}
	return q.msgs[q.head]
}

// cutNext takes the next n bytes of the message at the head and returns them
// with the flags of their DATA chunk.
func (q *sendQueue) cutNext(n int) (m *outMessage, off int, flags uint8) {
	m = q.msgs[q.head]
	off = m.cut
	if off == 0 {
		flags |= wire.DataBegin
		if !m.unordered {
			// RFC 9260, Section 6.5: "MUST be incremented by 1 for each ordered
			// user message sent on that outgoing stream".
			m.ssn = q.nextSSN[m.stream]
			q.nextSSN[m.stream]++
		}
	}
	if m.unordered {
		flags |= wire.DataUnordered
	}
	m.cut += n
	q.unsent -= n
	if m.cut == len(m.data) {
		flags |= wire.DataEnd
		if m.immediate {
			flags |= wire.DataImmediate
		}
		q.msgs[q.head] = nil
		q.head++
		q.popped++
		if q.head == len(q.msgs) {
			q.msgs, q.head = q.msgs[:0], 0
		}
	}
	return m, off, flags
}

const maxFreeMessages = 32768 // more are left to the garbage collector

// acked counts bytes of a message as acknowledged, and frees it with the last.
func (q *sendQueue) acked(m *outMessage, n int) (done bool) {
	m.unacked -= n
	if m.unacked > 0 {
		return false
	}
	if !m.abandoned {
		q.bytes -= len(m.data) + perMessageCost
		q.pool.put(m.data)
		m.data = nil
		if m.rel.policy != PRNone {
			q.partial--
		}
	}
	q.release(m)
	return true
}

func (q *sendQueue) release(m *outMessage) {
	if len(q.free) < maxFreeMessages {
		q.free = append(q.free, m)
	}
}

// empty tells whether everything has been sent at least once.
func (q *sendQueue) empty() bool { return q.head == len(q.msgs) }

// len is the number of messages not sent whole.
func (q *sendQueue) len() int { return len(q.msgs) - q.head }

// dropAbove takes the messages for streams that the peer does not allow out.
func (q *sendQueue) dropAbove(streams int) (dropped []*outMessage) {
	kept := q.msgs[:0]
	for _, m := range q.msgs[q.head:] {
		if int(m.stream) < streams {
			kept = append(kept, m)
			continue
		}
		q.unsent -= len(m.data)
		q.bytes -= len(m.data) + perMessageCost
		if m.rel.policy != PRNone {
			q.partial--
		}
		dropped = append(dropped, m)
	}
	q.msgs, q.head = kept, 0
	q.popped += uint64(len(dropped))
	return dropped
}

// uncut puts everything outstanding back to where it was before it was sent.
func (q *sendQueue) uncut(o *outstanding) {
	var back []*outMessage
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		m := o.at(tsn).msg
		if len(back) > 0 && back[len(back)-1] == m {
			continue
		}
		whole := m.cut == len(m.data)
		q.unsent += m.cut
		m.cut = 0
		if !m.unordered {
			q.nextSSN[m.stream]--
		}
		if whole {
			back = append(back, m)
		}
	}
	q.msgs, q.head = append(back, q.msgs[q.head:]...), 0
	q.popped -= uint64(len(back))
}

// setFence keeps back what is pushed from now on, until fenced is false again.
// RFC 6525, Section 5.1.2, A1: "The sender MUST stop assigning new SSNs to new
// user data provided by the upper layer for the affected streams and queue it."
func (q *sendQueue) setFence() { q.fence, q.fenced = q.pushed, true }

// atFence tells whether all that was pushed before has been sent.
func (q *sendQueue) atFence() bool { return q.popped >= q.fence }

// blocked tells whether nothing may be sent that has not been yet.
func (q *sendQueue) blocked() bool { return q.empty() || q.fenced && q.atFence() }

// resetSSNs numbers the ordered messages of streams from 0; none: of all.
func (q *sendQueue) resetSSNs(streams []uint16) {
	if len(streams) == 0 {
		clear(q.nextSSN)
	}
	for _, id := range streams {
		q.nextSSN[id] = 0
	}
}

func (q *sendQueue) addStreams(n int) { q.nextSSN = append(q.nextSSN, make([]wire.SSN, n)...) }
