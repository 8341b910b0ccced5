// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// A Transmit is a message to be sent over an association, on stream 0, ordered, with the payload protocol identifier of
// the protocol.
type Transmit struct {
	Assoc    uint64
	Protocol Protocol
	Data     []byte // valid until the next input
}

// An Abort is an association to be aborted. HandleAssocLost was done already.
type Abort struct {
	Assoc  uint64
	Reason string
}

// outputs are what is to be polled. Messages lie one behind the other in buf.
type outputs struct {
	buf       []byte
	transmits []span
	next      int // transmit to be polled
	aborts    fifo[Abort]
	announces fifo[Announcement]
	events    fifo[Event]
	connects  fifo[Connect]
}

// A fifo is a queue that is filled and then emptied.
type fifo[T any] struct {
	items []T
	next  int
}

func (q *fifo[T]) push(v T) { q.items = append(q.items, v) }

func (q *fifo[T]) pop() (v T, ok bool) {
	if q.next == len(q.items) {
		clear(q.items)
		q.items, q.next = q.items[:0], 0
		return v, false
	}
	q.next++
	return q.items[q.next-1], true
}

type span struct {
	assoc    uint64
	proto    Protocol
	from, to int
}

// PollTransmit returns the next message to be sent. Messages over the same association are to be sent in this order.
func (e *Engine) PollTransmit() (Transmit, bool) {
	o := &e.out
	for o.next < len(o.transmits) {
		s := o.transmits[o.next]
		o.next++
		if s.assoc != 0 {
			return Transmit{Assoc: s.assoc, Protocol: s.proto, Data: o.buf[s.from:s.to:s.to]}, true
		}
	}
	return Transmit{}, false
}

// PollAbort returns the next association to be aborted, after all messages have been polled.
func (e *Engine) PollAbort() (Abort, bool) { return e.out.aborts.pop() }

// PollAnnouncement returns the next announcement to be sent.
func (e *Engine) PollAnnouncement() (Announcement, bool) { return e.out.announces.pop() }

// PollConnect returns the next association to be set up.
func (e *Engine) PollConnect() (Connect, bool) { return e.out.connects.pop() }

// PollEvent returns the next event.
func (e *Engine) PollEvent() (Event, bool) { return e.out.events.pop() }

// drop forgets what was to be sent over an association that is gone.
func (o *outputs) drop(assoc uint64) {
	for i := range o.transmits[o.next:] {
		if s := &o.transmits[o.next+i]; s.assoc == assoc {
			s.assoc = 0
		}
	}
}

// push queues a message. If it cannot be encoded it reports false, and nothing has changed.
func (o *outputs) push(a *association, m encoding.BinaryAppender) bool {
	b, err := m.AppendBinary(o.start())
	if err != nil {
		return false
	}
	o.commit(a, b)
	return true
}

// start returns the buffer to append a message to, for commit.
func (o *outputs) start() []byte {
	if o.next == len(o.transmits) {
		o.buf, o.transmits, o.next = o.buf[:0], o.transmits[:0], 0
	}
	return o.buf
}

// again queues a message that is in the buffer, for another association.
func (o *outputs) again(a *association, from, to int) {
	o.transmits = append(o.transmits, span{assoc: a.id, proto: a.proto, from: from, to: to})
}

// commit queues what was appended.
func (o *outputs) commit(a *association, b []byte) {
	o.transmits = append(o.transmits, span{assoc: a.id, proto: a.proto, from: len(o.buf), to: len(b)})
	o.buf = b
}

// send queues a message other than a positive handle resolution response. What makes it too large can only be what it
// quotes, a huge pool handle or policy; then the quotations go first, and the handle next, in an ASAP_ERROR.
func (e *Engine) send(a *association, m asap.Message) {
	if e.out.push(a, m) {
		return
	}
	causes := causesOf(m)
	for i := range causes {
		causes[i].Info = nil
	}
	if e.out.push(a, m) {
		return
	}
	if len(causes) == 0 {
		causes = param.OperationError{{Code: param.CauseUnspecified}}
	}
	e.out.push(a, &asap.Error{Errors: causes})
}

// causesOf returns the causes in an answer, the very ones.
func causesOf(m asap.Message) param.OperationError {
	switch m := m.(type) {
	case *asap.RegistrationResponse:
		return m.Errors
	case *asap.DeregistrationResponse:
		return m.Errors
	case *asap.HandleResolutionResponse:
		return m.Errors
	case *asap.Error:
		return m.Errors
	}
	return nil
}
