// SPDX-License-Identifier: Apache-2.0

package sctp

import "slices"

// A sendWaiter is a call of Send that waits for room in the send buffer.
type sendWaiter struct {
	size  int // of its message
	ready chan struct{}
}

// A sendLine holds those who wait, the first one first. Only the first is woken,
// and only when there is room for its message, so that nobody wakes in vain and
// small messages do not overtake a large one for ever. It belongs to the
// association's lock.
type sendLine struct{ waiters []*sendWaiter }

func (l *sendLine) join(size int) *sendWaiter {
	w := &sendWaiter{size: size, ready: make(chan struct{}, 1)}
	l.waiters = append(l.waiters, w)
	return w
}

func (l *sendLine) quit(w *sendWaiter) {
	l.waiters = slices.DeleteFunc(l.waiters, func(o *sendWaiter) bool { return o == w })
}

// wake wakes the first if its message fits into space and there is at least
// least of it: it is not worth while for each message that was acknowledged.
func (l *sendLine) wake(space, least int) {
	if len(l.waiters) > 0 && space >= max(l.waiters[0].size, least) {
		l.waiters[0].wake()
	}
}

func (l *sendLine) wakeAll() {
	for _, w := range l.waiters {
		w.wake()
	}
}

func (w *sendWaiter) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}
