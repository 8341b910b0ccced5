// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// mayAbandon tells whether a message may be abandoned at all: before something
// of it has a TSN, always; after that, if the peer can be told.
func (a *Association) mayAbandon(m *outMessage) bool {
	return m.cut == 0 || a.canForward() && a.state.mayTransmitData()
}

func (a *Association) expired(now time.Time, m *outMessage) bool {
	return m.rel.policy == PRLifetime && a.since(now) >= m.expires
}

// dropExpired abandons messages at the head of the queue. RFC 3758, Section
// 4.1, TR3: "Before assigning a TSN to any message, the SCTP sender MUST
// evaluate the lifetime of that message. If it is expired, the SCTP sender MUST
// NOT assign a TSN to that message".
func (a *Association) dropExpired(now time.Time) {
	for {
		m := a.queue.peek()
		if m == nil || !a.expired(now, m) || !a.mayAbandon(m) {
			return
		}
		if m.cut > 0 {
			a.abandonSent(m)
		} else {
			a.queue.remove(m)
			a.abandonUnsent(m)
		}
		a.progress(now)
	}
}

// lifetimeDeadline is when the message at the head of the queue expires.
func (a *Association) lifetimeDeadline() time.Time {
	m := a.queue.peek()
	if m == nil || m.rel.policy != PRLifetime || !a.mayAbandon(m) {
		return nilTime
	}
	return a.begun.Add(m.expires)
}

// mustAbandon tells whether a chunk that is marked must not be sent again. TR4:
// "Before transmitting or retransmitting a message for which a TSN is already
// assigned, the SCTP sender MUST evaluate the lifetime of the message"; RFC
// 7496, Section 3.1: "The sender MUST abandon a user message if the number of
// retransmissions of any of the DATA chunks of the user message would exceed
// the provided limit." The congestion control has been told that it was lost.
func (a *Association) mustAbandon(now time.Time, c *outChunk) bool {
	switch c.msg.rel.policy {
	case PRLifetime:
		return a.expired(now, c.msg) && a.mayAbandon(c.msg)
	case PRRetransmission:
		return int64(c.times) >= c.msg.rel.value && a.mayAbandon(c.msg)
	}
	return false
}

// abandonUnsent reports a message which has no TSN, and is in no queue.
func (a *Association) abandonUnsent(m *outMessage) {
	a.reportAbandoned(m, false)
	a.queue.release(m)
}

// abandonSent abandons a message of which something has been sent. RFC 3758, Section 3.5,
// A3: "if it is part of a fragmented message, all other TSN's within that
// fragmented message MUST be abandoned at the same time." What has not been
// sent yet gets one TSN, which never is: without it the next message would seem
// to follow in the middle of this one.
func (a *Association) abandonSent(m *outMessage) {
	o := &a.out
	if rest := len(m.data) - m.cut; rest > 0 {
		c := outChunk{msg: m, path: a.dataPath(), off: int32(m.cut), n: int32(rest), flags: wire.DataEnd}
		a.queue.remove(m)
		m.cut = len(m.data)
		o.add(c)
	}
	tsn := m.firstTSN
	if tsn.LessEq(o.cumAck) {
		tsn = o.cumAck.Add(1)
	}
	for ; tsn != o.next; tsn = tsn.Add(1) {
		c := o.at(tsn)
		if c.msg != m {
			continue // of another stream
		}
		o.abandon(c)
		for _, p := range a.paths {
			if p.rttPending && p.rttTSN == tsn {
				p.rttPending = false
			}
		}
		if c.flags&wire.DataEnd != 0 {
			break
		}
	}
	a.reportAbandoned(m, true)
	o.advance()
}

func (a *Association) reportAbandoned(m *outMessage, sent bool) {
	a.abandoned.add(m, sent)
	a.event(EventSendFailed{Message: m.message(), Sent: sent || m.tried, Abandoned: m.rel.policy})
	a.queue.abandon(m)
}

// makeRoom abandons messages for one that does not fit the send buffer: those
// that have expired, and those with a lower priority. RFC 7496, Section 3.2:
// "User messages sent reliably are considered to have a priority higher than all
// messages sent with the Priority Policy."
func (a *Association) makeRoom(now time.Time, n int, rel Reliability) {
	if a.queue.partial == 0 {
		return
	}
	a.sweep(func(m *outMessage) bool { return a.expired(now, m) })
	limit := int64(-1)
	switch rel.policy {
	case PRPriority:
		limit = rel.value
	case PRLifetime, PRRetransmission:
		return // neither reliable nor with a priority
	}
	for !a.sendFits(n) {
		lowest := limit
		look := func(m *outMessage) {
			if m.rel.policy == PRPriority && m.rel.value > lowest && !m.abandoned && a.mayAbandon(m) {
				lowest = m.rel.value
			}
		}
		for tsn := a.out.cumAck.Add(1); tsn != a.out.next; tsn = tsn.Add(1) {
			look(a.out.at(tsn).msg)
		}
		for m := range a.queue.all {
			look(m)
		}
		if lowest == limit {
			return
		}
		// Those that have not been sent cost the peer nothing.
		match := func(m *outMessage) bool {
			return m.rel.policy == PRPriority && m.rel.value == lowest && !a.sendFits(n)
		}
		a.sweep(match)
		for tsn := a.out.cumAck.Add(1); tsn != a.out.next; tsn = tsn.Add(1) {
			if m := a.out.at(tsn).msg; !m.abandoned && match(m) && a.mayAbandon(m) {
				a.abandonSent(m)
			}
		}
		for _, m := range a.queue.begun() { // all that was sent of it may have been acknowledged
			if match(m) && a.mayAbandon(m) {
				a.abandonSent(m)
			}
		}
	}
}

// sweep abandons what matches of that which has not been sent.
func (a *Association) sweep(match func(*outMessage) bool) {
	q := &a.queue
	found := false
	for m := range q.all {
		if found = m.cut == 0 && match(m); found {
			break
		}
	}
	if !found {
		return
	}
	list := q.list()
	kept := list[:0]
	for _, m := range list {
		if m.cut > 0 || !match(m) {
			kept = append(kept, m)
			continue
		}
		q.unsent -= len(m.data)
		q.n--
		a.abandonUnsent(m)
	}
	q.rebuild(kept)
}

// abandon takes the data of a message, which is the user's again, out of what is
// counted.
func (q *sendQueue) abandon(m *outMessage) {
	q.bytes -= len(m.data) + perMessageCost
	q.partial--
	m.abandoned, m.data = true, nil
}

// abandon makes a chunk count as acknowledged. Section 3.5, A2: "the sender MUST
// treat the data chunk as being finally acked and no longer outstanding", but
// "MUST NOT credit" it to the congestion window.
func (o *outstanding) abandon(c *outChunk) {
	if c.state == chunkAbandoned {
		return
	}
	o.leave(c)
	c.state = chunkAbandoned
	o.abandoned++
}

// advance is Section 3.5, C2: "move 'Advanced.Peer.Ack.Point' up as long as the
// chunk next in the out-queue space is marked as 'abandoned'".
func (o *outstanding) advance() {
	if o.advanced.Less(o.cumAck) {
		o.advanced = o.cumAck // C1
	}
	if o.abandoned == 0 {
		return
	}
	for next := o.advanced.Add(1); next != o.next && o.at(next).state == chunkAbandoned; next = next.Add(1) {
		if next.Diff(o.cumAck) > maxTSNSpan {
			return
		}
		o.advanced = next
	}
}
