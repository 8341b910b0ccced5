// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"errors"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A budget is what an association may take of the memory that all of a stack
// share (Config.MaxMemory). Whoever runs the engine counts what they take, and
// tells each how much is left: SetRoom.
type budget struct {
	limited bool
	room    int // what was left of the memory of all
	taken   int // what the association had then
}

// leastMemory is what every association may take for what it sends, and as much for
// what it receives, whatever others do, in bytes: short messages go on both ways when
// there is nothing left.
const leastMemory = 4 << 10

// memoryFloor is that much, or a packet as large as it can arrive: on an interface
// with a large MTU, a peer need not send any that are smaller.
func (a *Association) memoryFloor() int {
	n := max(leastMemory, 2*a.cfg.MTU)
	known := false
	for _, l := range a.local {
		m := a.localMTU[l.Addr()]
		n, known = max(n, m+perMessageCost), known || m > 0
	}
	if !known {
		n = max(n, a.cfg.MaxMTU+perMessageCost)
	}
	return n
}

// overdraft is the part of MaxMemory by which associations may exceed it to
// complete the message that they are in the middle of: 1/overdraft.
const overdraft = 8

// ErrMemory: the associations of the stack take Config.MaxMemory; there are no new
// ones until they take less.
var ErrMemory = errors.New("sctp: Config.MaxMemory is used up")

// Memory is what an association takes for messages, in bytes: those in the send
// buffer, those received which the user has not Consumed, parts of others, buffers
// kept for reuse, and the state of streams.
func (a *Association) Memory() int {
	if a.state == StateClosed {
		return 0
	}
	return a.queue.bytes + a.queue.pool.bytes + a.buffered() + a.reassembly.pool.bytes + a.streamMemory()
}

// streamMemory is what the numbers, queues and counters of streams take, in bytes.
func (a *Association) streamMemory() int {
	q := &a.queue
	n := a.reassembly.streamBytes + len(a.reassembly.begun)*perRunCost + 2*len(q.nextSSN) + 4*len(q.nextMID[0]) + 4*len(q.nextMID[1]) +
		2*len(a.forward.seen) + abandonedCost*len(a.abandoned.byStream)
	if q.streams != nil {
		n += q.streams.bytes
	}
	return n
}

// SetRoom says how many bytes of memory all associations together may take more
// than they do; it is negative if they have more than they should.
func (a *Association) SetRoom(room int) {
	a.budget = budget{limited: true, room: room, taken: a.Memory()}
	if room < a.cfg.MaxMemory/2 {
		// What is kept for reuse is better kept for all.
		a.queue.pool, a.queue.free = bufPool{}, nil
		a.reassembly.dropSpare()
	}
	if least := a.inData(a.leastWindow()); a.state.mayReceiveData() && a.ack.advertised < least && a.arwnd() >= least {
		a.ack.due = true // the peer waits for it
	}
}

// Starved tells whether the association would offer a larger window or take more
// messages to send if others took less.
func (a *Association) Starved() bool {
	least := min(a.cfg.MTU, a.recvBuffer())
	return a.budget.limited && a.state != StateClosed &&
		(a.ack.advertised < a.recvBuffer() && a.room() < least || a.queue.bytes > 0 && a.sendRoom() < least)
}

// Lacks tells whether a message of n bytes cannot be sent for want of room.
func (a *Association) Lacks(n int) bool { return a.budget.limited && n+perMessageCost > a.sendRoom() }

// room is what the association may take more for what it receives.
func (a *Association) room() int {
	left := a.left()
	if left >= 2*maxMTU {
		return left // more than any floor
	}
	return max(left, a.memoryFloor()-a.buffered())
}

// sendRoom is what it may take more for what it sends. That leaves some for what is
// received: two hosts whose memory is full of what they send would drop each other's
// DATA, and so keep it for ever.
func (a *Association) sendRoom() int {
	return max(a.left()-a.cfg.receiveReserve(), a.memoryFloor()-a.queue.bytes)
}

// receiveReserve is the part of MaxMemory that is for what is received alone. The
// largest message can be sent nevertheless.
func (c *Config) receiveReserve() int {
	return min(c.MaxMemory/16, c.MaxMemory-c.MaxMessageSize-perMessageCost)
}

// left is what was left of the memory of all, less what was taken since.
func (a *Association) left() int {
	b := &a.budget
	if !b.limited {
		return 1 << 62
	}
	return b.room - max(0, a.Memory()-b.taken)
}

// boundWindow applies the room to a receive window.
func (a *Association) boundWindow(w int) int {
	if !a.budget.limited {
		return w
	}
	return min(w, max(0, a.room()))
}

// admits tells whether a new DATA chunk may take memory. The next one of a message
// whose beginning is here may, for else all of it would be taken by beginnings for
// ever, and so may the next one of all if its stream is new. Who wants too much more is
// aborted: "Out of Resource" (RFC 9260, Section 3.3.10.4).
func (a *Association) admits(now time.Time, d *inData) (ok bool) {
	if !a.budget.limited {
		return true
	}
	page := 0
	if int(d.Stream) < a.reassembly.limit {
		page = a.reassembly.pageCost(d.Stream)
	}
	next := d.TSN == a.tracker.cum.Add(1)
	switch n := len(d.Payload); {
	case page > 0 && page+n > a.left() && a.reassembly.streamBytes > 0:
		if !next {
			return false
		}
		return a.overdraws(now, "no memory for the state of streams")
	case n <= a.room():
		return true
	case !next || a.reassembly.held == 0 && len(a.reassembly.begun) == 0:
		return false
	}
	return a.overdraws(now, "no memory to complete a message")
}

// overdraws tells whether an association may take more than there is left, and
// aborts it if not.
func (a *Association) overdraws(now time.Time, what string) (ok bool) {
	if a.left() >= -a.cfg.MaxMemory/overdraft {
		return true
	}
	a.abort(now, what, wire.AppendCause(nil, wire.CauseOutOfResource, nil))
	return false
}

// admitsStream tells whether the state of a stream may be kept of which a message has
// been skipped.
func (a *Association) admitsStream(now time.Time, id uint16) (ok bool) {
	if !a.budget.limited {
		return true
	}
	page := a.reassembly.pageCost(id)
	return page == 0 || page <= a.left() || a.reassembly.streamBytes == 0 || a.overdraws(now, "no memory for the state of streams")
}

// SetRoom says how many bytes of memory the associations may take more than they
// do. New ones are refused when less than a packet is left, for which no window is
// opened either: those of peers with an ABORT for Out of Resource, which answers the
// COOKIE ECHO, those of this side with ErrMemory.
func (s *Stack) SetRoom(room int) { s.starved = s.cfg.MaxMemory > 0 && room < s.cfg.MTU }
