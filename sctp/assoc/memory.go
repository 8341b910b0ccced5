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

func (c *Config) memoryFloor() int { return max(leastMemory, 2*c.MTU) }

// overdraft is the part of MaxMemory by which associations may exceed it to
// complete the message that they are in the middle of: 1/overdraft.
const overdraft = 8

// ErrMemory: the associations of the stack take Config.MaxMemory; there are no new
// ones until they take less.
var ErrMemory = errors.New("sctp: Config.MaxMemory is used up")

// Memory is what an association takes for messages, in bytes: those in the send
// buffer, those received which the user has not Consumed, parts of others, and
// buffers kept for reuse.
func (a *Association) Memory() int {
	if a.state == StateClosed {
		return 0
	}
	return a.queue.bytes + a.queue.pool.bytes + a.buffered() + a.reassembly.pool.bytes
}

// SetRoom says how many bytes of memory all associations together may take more
// than they do; it is negative if they have more than they should.
func (a *Association) SetRoom(room int) {
	a.budget = budget{limited: true, room: room, taken: a.Memory()}
	if room < a.cfg.MaxMemory/2 {
		// What is kept for reuse is better kept for all.
		a.queue.pool, a.reassembly.pool = bufPool{}, bufPool{}
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
func (a *Association) room() int { return max(a.left(), a.cfg.memoryFloor()-a.buffered()) }

// sendRoom is what it may take more for what it sends. That leaves some for what is
// received: two hosts whose memory is full of what they send would drop each other's
// DATA, and so keep it for ever.
func (a *Association) sendRoom() int {
	return max(a.left()-a.cfg.receiveReserve(), a.cfg.memoryFloor()-a.queue.bytes)
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
// ever. Who wants too much more is aborted: "Out of Resource" (RFC 9260, Section
// 3.3.10.4).
func (a *Association) admits(now time.Time, tsn wire.TSN, n int) (ok bool) {
	if !a.budget.limited || n <= a.room() {
		return true
	}
	if tsn != a.tracker.cum.Add(1) || a.reassembly.held == 0 {
		return false
	}
	if a.room() >= -a.cfg.MaxMemory/overdraft {
		return true
	}
	a.abort(now, "no memory to complete a message", wire.AppendCause(nil, wire.CauseOutOfResource, nil))
	return false
}

// SetRoom says how many bytes of memory the associations may take more than they
// do. New ones are refused when less than a packet is left, for which no window is
// opened either: those of peers with an ABORT for Out of Resource, which answers the
// COOKIE ECHO, those of this side with ErrMemory.
func (s *Stack) SetRoom(room int) { s.starved = s.cfg.MaxMemory > 0 && room < s.cfg.MTU }
