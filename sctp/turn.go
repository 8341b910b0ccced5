// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// A turn says whose turn it is to read a socket.
//
// Mostly it is that of the socket's goroutine. With questions and answers each
// packet then wakes that goroutine, and it wakes the one that waits in Recv, on
// another processor, which the peer may need: half of what a ping-pong costs. So
// when packet after packet wakes a single Recv of a single association, the
// goroutine steps back, and who calls Recv reads the socket himself. Between
// two calls nobody does; what arrives then waits in the socket, unless the
// user stays away for longer than guardInterval: then the goroutine takes the
// turn back, and steps back again later each time. It takes it back at once
// when something arrives for another association, or a lot at a time.
type turn struct {
	sock udpencap.Socket
	intr udpencap.Interrupter // nil: the goroutine does all

	// Of who has the turn.
	dgs []udpencap.Datagram
	mem []byte
	b   batch

	// Of the goroutine.
	streak int    // packets in a row that woke a single Recv
	last   uint64 // of which association, or 0

	mu          sync.Mutex
	need        int // how long a streak it takes
	holder      holder
	conn        *Conn // who may take the turn
	reading     bool  // the holder is a user and in ReadBatch
	interrupted bool  // its ReadBatch was made to return
	taken       uint64
	seen        uint64 // taken, when the guard looked
	guarded     bool   // the guard's timer runs
	over        bool   // the goroutine has ended
	guard       *time.Timer
	back        chan struct{} // tells the goroutine that the turn is its own again
}

type holder uint8

const (
	heldByGoroutine holder = iota
	heldByNobody
	heldByUser
)

const (
	// minStreak and maxStreak bound how many packets in a row must look like
	// questions and answers before the goroutine steps back.
	minStreak, maxStreak = 16, 4096
	// maxAlone is how many packets at a time may still be a question or an
	// answer. With more of them a goroutine for the socket is worth its price.
	maxAlone = 2
	// guardInterval is half of how long packets may wait for a user at most.
	guardInterval = time.Millisecond
)

func newTurn(sock udpencap.Socket) *turn {
	t := &turn{
		sock: sock, need: minStreak,
		dgs: make([]udpencap.Datagram, readBatch), mem: make([]byte, readBatch<<16),
		back: make(chan struct{}, 1),
	}
	t.intr, _ = sock.(udpencap.Interrupter)
	return t
}

// readBatch reads what has arrived.
func (t *turn) readBatch() ([]udpencap.Datagram, error) {
	for i := range t.dgs {
		t.dgs[i] = udpencap.Datagram{Data: t.mem[i<<16 : i<<16 : (i+1)<<16]}
	}
	n, err := t.sock.ReadBatch(t.dgs)
	return t.dgs[:n], err
}

// note looks at the batch that the goroutine has dealt with, and returns the
// association for whose Recv it shall step back, or nil.
func (t *turn) note() *Conn {
	if t.intr == nil {
		return nil
	}
	if len(t.b.runs) != 1 || len(t.b.work) > maxAlone || !t.b.runs[0].c.inbox.wokeOne() {
		t.streak = 0
		return nil
	}
	c := t.b.runs[0].c
	if c.id != t.last {
		t.last, t.streak = c.id, 0
	}
	if t.streak++; t.streak < minStreak {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streak < t.need {
		return nil
	}
	return c
}

// stepBack leaves the turn to the Recv of an association, and waits until it is
// the goroutine's again. It returns false if the Stack ends before.
func (s *Stack) stepBack(t *turn, c *Conn) bool {
	t.streak = 0
	if !s.direct.CompareAndSwap(nil, t) {
		return true // one socket is enough
	}
	defer s.direct.Store(nil)
	t.mu.Lock()
	t.conn = c
	t.leave()
	t.mu.Unlock()
	c.inbox.mu.Lock()
	c.inbox.main.wakeWaiter() // who waits already reads now
	c.inbox.mu.Unlock()
	select {
	case <-t.back:
		return true
	case <-s.closing:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.guard.Stop()
		t.over = true
		return false
	}
}

// take gives the turn to the Recv of c, if it may have it.
func (t *turn) take(c *Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder != heldByNobody || t.conn != c {
		return false
	}
	t.holder, t.reading = heldByUser, true
	if t.taken++; t.taken%maxStreak == 0 {
		t.need = max(t.need/2, minStreak) // it is worth while
	}
	return true
}

// read is readBatch for a user. It also ends when interrupt is called.
func (t *turn) read() ([]udpencap.Datagram, error) {
	dgs, err := t.readBatch()
	t.mu.Lock()
	t.reading = false
	if t.interrupted {
		t.interrupted = false
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
		if e := t.intr.Interrupt(false); err == nil {
			err = e
		}
	}
	t.mu.Unlock()
	return dgs, err
}

// interrupt makes a user's read return.
func (t *turn) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading && !t.interrupted {
		t.interrupted = t.intr.Interrupt(true) == nil
	}
}

// release ends a user's turn. What it has read decides who is next.
func (t *turn) release(again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if again {
		t.leave()
	} else {
		t.giveBack()
	}
}

// leave is when nobody reads. The lock is held.
func (t *turn) leave() {
	t.holder = heldByNobody
	if t.guarded || t.over {
		return
	}
	t.guarded, t.seen = true, t.taken
	if t.guard == nil {
		t.guard = time.AfterFunc(guardInterval, t.look)
	} else {
		t.guard.Reset(guardInterval)
	}
}

// look is the guard's.
func (t *turn) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over:
	case t.taken != t.seen:
		t.seen = t.taken
		t.guard.Reset(guardInterval)
	case t.holder == heldByNobody:
		t.guarded = false
		t.need = min(2*t.need, maxStreak)
		t.giveBack()
	default:
		t.guarded = false // whoever reads needs no guard
	}
}

// giveBack wakes the goroutine. The lock is held.
func (t *turn) giveBack() {
	t.holder, t.conn = heldByGoroutine, nil
	t.back <- struct{}{} // has room: it is taken before the goroutine steps back again
}

// readFor reads for a Recv that waits on q, and deals with what arrived, for
// whom it may be. It returns false if it is not the caller's turn. The lock of
// the inbox is held.
func (c *Conn) readFor(t *turn, q *queue, ctx context.Context) bool {
	if !t.take(c) {
		return false
	}
	in := &c.inbox
	in.watch(ctx)
	q.direct = t
	in.mu.Unlock()
	dgs, err := t.read()
	in.mu.Lock()
	q.direct = nil
	in.mu.Unlock()
	again := err == nil
	if len(dgs) > 0 {
		c.stack.serve(t, dgs)
		for i := range t.b.runs {
			again = again && t.b.runs[i].c == c
		}
		again = again && len(t.b.work) <= maxAlone
		t.b.reset()
	}
	t.release(again)
	in.mu.Lock()
	q.wakeWaiter() // it may be the next to read
	return true
}

// watch has the end of a context interrupt a read for the main queue. The lock
// is held. The context of the last such read is watched until there is another,
// or the association is over, so that calls with one context share the effort.
func (in *inbox) watch(ctx context.Context) {
	if in.watched == ctx.Done() {
		return
	}
	in.unwatch()
	if in.watched = ctx.Done(); in.watched != nil {
		in.stopWatch = context.AfterFunc(ctx, func() {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.main.interrupt()
		})
	}
}

// unwatch lets go of the context. The lock is held.
func (in *inbox) unwatch() {
	if in.watched != nil {
		in.stopWatch()
		in.watched, in.stopWatch = nil, nil
	}
}

// wokeOne reports whether the last wake was for one message and one reader, who
// may read the socket.
func (in *inbox) wokeOne() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	one := in.one
	in.one = false
	return one
}
