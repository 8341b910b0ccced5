// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"cmp"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An outMessage is a message on its way out. Its fragments are cut when they
// are sent; it is kept until the last of them is acknowledged.
type outMessage struct {
	data    []byte
	cut     int         // bytes already in chunks
	unacked int         // bytes in chunks not yet acknowledged, and not cut
	seq     uint64      // of sendQueue.push
	next    *outMessage // on its stream: see streamQueues

	rel     Reliability
	expires time.Duration // see Association.since

	ppid     wire.PPID
	mid      wire.MID // with I-DATA, in place of the SSN
	fsn      wire.FSN // of the next fragment, with I-DATA
	firstTSN wire.TSN // of the first one
	stream   uint16
	ssn      wire.SSN

	header    uint8 // length of that of its chunks
	unordered bool
	immediate bool
	abandoned bool // the user has its data back
	reported  bool // as given up
	tried     bool // it was sent, and put back: see uncut
}

// A sendQueue holds the messages of which something is still to be sent for
// the first time: first come, first served over all streams, or in the order
// another scheduler chooses. With DATA chunks a message's fragments have
// consecutive TSNs (RFC 9260, Section 6.9), so one is sent whole before the next
// begins; with I-DATA chunks (RFC 8260) that holds on each stream.
type sendQueue struct {
	msgs    []*outMessage // first come, first served
	head    int
	streams *streamQueues // or nil: by another scheduler
	held    []*outMessage // what was pushed while fenced
	n       int           // messages in all of these
	unsent  int           // bytes of data not yet cut
	bytes   int           // bytes of data not yet acknowledged, with a cost per message
	partial int           // messages that are not reliable, among those
	nextSSN []wire.SSN
	nextMID [2][]wire.MID // of ordered and of unordered messages, with I-DATA
	header  int           // of a chunk
	pool    bufPool
	free    []*outMessage

	pushed uint64 // messages, ever
	fence  uint64 // what was pushed after so many is held, if fenced
	fenced bool
}

func (q *sendQueue) init(streams int) {
	q.nextSSN, q.nextMID = make([]wire.SSN, streams), [2][]wire.MID{}
	q.header = wire.DataHeaderLen
}

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
		rel: m.Reliability, expires: expires, seq: q.pushed,
	}
	if m.Reliability.policy != PRNone {
		q.partial++
	}
	q.pushed++
	q.n++
	q.unsent += len(m.Data)
	q.bytes += len(m.Data) + perMessageCost
	q.enqueue(o)
}

func (q *sendQueue) enqueue(m *outMessage) {
	switch {
	case q.fenced && m.seq >= q.fence:
		q.held = append(q.held, m)
		return
	case q.streams != nil:
		q.streams.push(m)
		return
	}
	if q.head > 0 && len(q.msgs) == cap(q.msgs) {
		n := copy(q.msgs, q.msgs[q.head:])
		clear(q.msgs[n:])
		q.msgs, q.head = q.msgs[:n], 0
	}
	q.msgs = append(q.msgs, m)
}

// peek returns the message to send from next, or nil if nothing may be sent
// that has not been yet.
func (q *sendQueue) peek() *outMessage {
	if q.streams != nil {
		return q.streams.peek()
	}
	if q.head == len(q.msgs) {
		return nil
	}
	return q.msgs[q.head]
}

// blocked tells whether nothing may be sent that has not been yet.
func (q *sendQueue) blocked() bool { return q.peek() == nil }

// cutNext takes the next n bytes of the message that peek returns, and returns
// them with the flags of their chunk.
func (q *sendQueue) cutNext(n int) (m *outMessage, off int, flags uint8) {
	m = q.peek()
	off = m.cut
	if off == 0 {
		flags |= wire.DataBegin
		q.number(m)
	}
	if m.unordered {
		flags |= wire.DataUnordered
	}
	m.cut += n
	q.unsent -= n
	done := m.cut == len(m.data)
	if done {
		flags |= wire.DataEnd
		if m.immediate {
			flags |= wire.DataImmediate
		}
		q.n--
	}
	if q.streams != nil {
		q.streams.served(m, n, done)
	} else if done {
		q.popFirst()
	}
	return m, off, flags
}

// endPacket tells that no more is put into a packet.
func (q *sendQueue) endPacket() {
	if q.streams != nil {
		q.streams.endPacket()
	}
}

func (q *sendQueue) popFirst() {
	q.msgs[q.head] = nil
	q.head++
	if q.head == len(q.msgs) {
		q.msgs, q.head = q.msgs[:0], 0
	}
}

// number gives a message of which the first chunk is sent its number on its
// stream.
func (q *sendQueue) number(m *outMessage) {
	m.header = uint8(q.header)
	if q.interleaved() {
		// RFC 8260, Section 2.1: "The sender uses two counters for each outgoing
		// stream: one for ordered messages and one for unordered messages. ... They are
		// incremented by 1 for each user message."
		next := &q.nextMID[unorderedIndex(m.unordered)][m.stream]
		m.mid, m.fsn = *next, 0
		*next++
	} else if !m.unordered {
		// RFC 9260, Section 6.5: "MUST be incremented by 1 for each ordered
		// user message sent on that outgoing stream".
		m.ssn = q.nextSSN[m.stream]
		q.nextSSN[m.stream]++
	}
}

// remove takes a message that is not held out of the queue.
func (q *sendQueue) remove(m *outMessage) {
	q.unsent -= len(m.data) - m.cut
	q.n--
	switch {
	case q.streams != nil:
		q.streams.remove(m)
	case q.msgs[q.head] == m:
		q.popFirst()
	default:
		i := q.head + slices.Index(q.msgs[q.head:], m)
		q.msgs = slices.Delete(q.msgs, i, i+1)
	}
}

// all yields the messages of which something is still to be sent.
func (q *sendQueue) all(yield func(*outMessage) bool) {
	for _, m := range q.msgs[q.head:] {
		if !yield(m) {
			return
		}
	}
	if q.streams != nil {
		for m := range q.streams.all {
			if !yield(m) {
				return
			}
		}
	}
	for _, m := range q.held {
		if !yield(m) {
			return
		}
	}
}

// begun are those of which something has been sent.
func (q *sendQueue) begun() (begun []*outMessage) {
	for m := range q.all {
		if m.cut > 0 {
			begun = append(begun, m)
		}
	}
	return begun
}

// list returns them all in the order in which they came. It may be the queue's own
// memory, for rebuild.
func (q *sendQueue) list() []*outMessage {
	if q.streams == nil && len(q.held) == 0 {
		return q.msgs[q.head:]
	}
	list := slices.AppendSeq(make([]*outMessage, 0, q.n), q.all)
	slices.SortFunc(list, func(x, y *outMessage) int { return cmp.Compare(x.seq, y.seq) })
	return list
}

// rebuild fills the queue with messages in the order in which they came.
func (q *sendQueue) rebuild(list []*outMessage) {
	clear(q.msgs[:q.head])
	if q.streams == nil && len(q.held) == 0 && (len(list) == 0 || q.head < len(q.msgs) && &list[0] == &q.msgs[q.head]) {
		clear(q.msgs[q.head+len(list):])
		q.msgs = q.msgs[:q.head+len(list)]
		return
	}
	clear(q.msgs)
	q.msgs, q.head, q.held = q.msgs[:0], 0, nil
	if q.streams != nil {
		q.streams.clear()
	}
	if !q.interleaved() {
		// Whatever the scheduler, what has been begun is finished first.
		if i := slices.IndexFunc(list, func(m *outMessage) bool { return m.cut > 0 }); i > 0 {
			m := list[i]
			copy(list[1:], list[:i])
			list[0] = m
		}
	}
	for _, m := range list {
		m.next = nil
		q.enqueue(m)
	}
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
func (q *sendQueue) empty() bool { return q.n == 0 }

// len is the number of messages not sent whole.
func (q *sendQueue) len() int { return q.n }

// dropAbove takes the messages for streams that the peer does not allow out.
func (q *sendQueue) dropAbove(streams int) (dropped []*outMessage) {
	list := q.list()
	kept := make([]*outMessage, 0, len(list))
	for _, m := range list {
		if int(m.stream) < streams {
			kept = append(kept, m)
			continue
		}
		q.n--
		q.unsent -= len(m.data)
		q.bytes -= len(m.data) + perMessageCost
		if m.rel.policy != PRNone {
			q.partial--
		}
		dropped = append(dropped, m)
	}
	q.rebuild(kept)
	return dropped
}

// uncut puts everything outstanding back to where it was before it was sent,
// which is before anything has been acknowledged.
func (q *sendQueue) uncut(o *outstanding) {
	all := slices.Clone(q.list())
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		m := o.at(tsn).msg
		if m.cut == 0 {
			continue
		}
		if m.cut == len(m.data) {
			all = append(all, m)
			q.n++
		}
		q.unsent += m.cut
		m.cut, m.tried = 0, true
	}
	q.resetSSNs(nil)
	slices.SortFunc(all, func(x, y *outMessage) int { return cmp.Compare(x.seq, y.seq) })
	q.rebuild(all)
}

// setFence keeps back what is pushed from now on, until liftFence. RFC 6525,
// Section 5.1.2, A1: "The sender MUST stop assigning new SSNs to new user data
// provided by the upper layer for the affected streams and queue it."
func (q *sendQueue) setFence() { q.fence, q.fenced = q.pushed, true }

func (q *sendQueue) liftFence() {
	held := q.held
	q.held, q.fenced = nil, false
	for _, m := range held {
		q.enqueue(m)
	}
}

// atFence tells whether all that was pushed before has been sent.
func (q *sendQueue) atFence() bool { return q.n == len(q.held) }

// resetSSNs numbers the messages of streams from 0; none: of all. RFC 8260,
// Section 2.3.2: "the two counters (one for the ordered messages, one for the
// unordered messages) used for the MIDs MUST be reset to 0."
func (q *sendQueue) resetSSNs(streams []uint16) {
	if len(streams) == 0 {
		clear(q.nextSSN)
		clear(q.nextMID[0])
		clear(q.nextMID[1])
	}
	for _, id := range streams {
		q.nextSSN[id] = 0
		if q.interleaved() {
			q.nextMID[0][id], q.nextMID[1][id] = 0, 0
		}
	}
}

// atZero tells whether the next messages of a stream begin to count at 0.
func (q *sendQueue) atZero(id uint16) bool {
	return q.nextSSN[id] == 0 && (!q.interleaved() || q.nextMID[0][id] == 0 && q.nextMID[1][id] == 0)
}

func (q *sendQueue) addStreams(n int) {
	q.nextSSN = append(q.nextSSN, make([]wire.SSN, n)...)
	if q.interleaved() {
		for i := range q.nextMID {
			q.nextMID[i] = append(q.nextMID[i], make([]wire.MID, n)...)
		}
	}
}
