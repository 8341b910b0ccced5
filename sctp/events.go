// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
)

// maxEvents bounds the events kept for NextEvent: enough for a burst, little
// enough for a user who never asks.
const maxEvents = 64

// An eventQueue holds the events of a Conn. When it is full the oldest
// abandoned message is dropped, or else the oldest event; the last event, EventCommLost, always fits.
type eventQueue struct {
	mu      sync.Mutex
	items   []Event
	dropped uint64
	over    bool // EventCommLost was queued
	closed  bool // by the user
	waiters int
	signal  chan struct{}
}

func (q *eventQueue) push(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if p, ok := e.(EventPathChange); ok {
		// One event per path is enough: the user wants to know how it is.
		for i, o := range q.items {
			if o, ok := o.(EventPathChange); ok && o.Remote == p.Remote {
				q.items[i] = e
				return
			}
		}
	}
	if len(q.items) == maxEvents {
		// Of messages that were abandoned there may be very many.
		i := max(0, slices.IndexFunc(q.items, func(e Event) bool {
			f, ok := e.(EventSendFailed)
			return ok && f.Abandoned != PRNone
		}))
		q.items = slices.Delete(q.items, i, i+1)
		q.dropped++
	}
	q.items = append(q.items, e)
	if _, ok := e.(EventCommLost); ok {
		q.over = true
	}
	q.wake()
}

func (q *eventQueue) wake() {
	if q.waiters == 0 {
		return
	}
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.items = true, nil
	q.wake()
}

func (q *eventQueue) next(ctx context.Context) (Event, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.closed:
			q.wake()
			return nil, net.ErrClosed
		case len(q.items) > 0:
			e := q.items[0]
			copy(q.items, q.items[1:])
			q.items[len(q.items)-1] = nil
			q.items = q.items[:len(q.items)-1]
			q.wake() // the rest, or the end, is for the next one
			return e, nil
		case q.over:
			q.wake()
			return nil, io.EOF
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		q.waiters++
		q.mu.Unlock()
		select {
		case <-q.signal:
		case <-ctx.Done():
		}
		q.mu.Lock()
		q.waiters--
	}
}
