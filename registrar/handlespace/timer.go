// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"time"

	"github.com/rserpool/rserpool/pool/policy"
)

// Timer names one of the deadlines that each element has. What they mean is for the caller.
type Timer uint8

const (
	// TimerLife is the end of the registration life.
	TimerLife Timer = iota
	// TimerKeepAlive is when the next keep-alive is to be sent.
	TimerKeepAlive
	// TimerProbe is until when a keep-alive must have been answered.
	TimerProbe

	numTimers = iota
)

func (k Timer) String() string {
	if int(k) < numTimers {
		return [numTimers]string{"life", "keep-alive", "probe"}[k]
	}
	return "unknown"
}

type timer struct {
	at      time.Time
	element *Element
	kind    Timer
	node    policy.Node[*timer]
}

// SetTimer sets a timer of an element, or moves it. Removed elements have no timers.
func (s *Space) SetTimer(e *Element, k Timer, at time.Time) {
	s.StopTimer(e, k)
	if !e.In() || int(k) >= numTimers {
		return
	}
	t := &e.timers[k]
	t.at = at
	s.timers.Insert(&t.node)
}

// StopTimer stops a timer of an element, if it runs.
func (s *Space) StopTimer(e *Element, k Timer) {
	if int(k) < numTimers {
		s.timers.Remove(&e.timers[k].node)
	}
}

// Deadline returns when a timer is due, and whether it runs.
func (e *Element) Deadline(k Timer) (at time.Time, ok bool) {
	if int(k) >= numTimers || !e.timers[k].node.In() {
		return time.Time{}, false
	}
	return e.timers[k].at, true
}

// NextDeadline returns when the first timer is due, and whether any runs.
func (s *Space) NextDeadline() (at time.Time, ok bool) {
	n := s.timers.Min()
	if n == nil {
		return time.Time{}, false
	}
	return n.Value.at, true
}

// Expire stops the first timer that is due at now and returns it; nil if none is. Timers that are due at the same time
// expire in the order in which they were set. Call it until it returns nil.
func (s *Space) Expire(now time.Time) (*Element, Timer) {
	n := s.timers.Min()
	if n == nil || n.Value.at.After(now) {
		return nil, 0
	}
	s.timers.Remove(n)
	return n.Value.element, n.Value.kind
}
