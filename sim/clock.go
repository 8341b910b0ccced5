// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"container/heap"
	"time"
)

// event is a function waiting for its time.
type event struct {
	at  time.Time
	seq uint64 // what is due at the same instant happens in the order it was asked for
	fn  func()
}

type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].seq < h[j].seq
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return x
}

// At has fn called at t.
func (w *World) At(t time.Time, fn func()) {
	w.seq++
	heap.Push(&w.pending, event{at: t, seq: w.seq, fn: fn})
}

// After has fn called in d.
func (w *World) After(d time.Duration, fn func()) { w.At(w.now.Add(d), fn) }

// Run lets time pass.
func (w *World) Run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.pending) > 0 && !w.pending[0].at.After(end) {
		ev := heap.Pop(&w.pending).(event)
		w.now = ev.at
		ev.fn()
	}
	w.now = end
}

// Now returns the virtual time.
func (w *World) Now() time.Time { return w.now }

// Since returns the virtual time since the start.
func (w *World) Since() time.Duration { return w.now.Sub(Start) }

// An alarm calls a machine at its deadline.
type alarm struct {
	at time.Time // of the earliest event that is under way; zero: none
}

// set makes sure that fn is called at t.
func (a *alarm) set(w *World, t time.Time, fn func()) {
	if t.Before(w.now) {
		t = w.now
	}
	if !a.at.IsZero() && !t.Before(a.at) {
		return // it will be called, and look again
	}
	a.at = t
	w.At(t, func() {
		if a.at.Equal(t) {
			a.at = time.Time{}
			fn()
		}
	})
}
