// SPDX-License-Identifier: Apache-2.0

package simnet

import (
	"container/heap"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// A Sim is the network as an event heap with a clock of its own. It is driven
// by one goroutine, which calls Step or one of the Run methods; everything
// else happens inside the functions those call. The same calls with the same
// seed have the same effect.
type Sim struct {
	*fabric
	now      time.Time
	handlers map[netip.Addr]Handler
	arrived  udpencap.ECN // of the datagram whose Handler is running
	joined   []addrPair   // src: the group, dst: the interface
}

// A Handler is called for every datagram that arrives at an address. data is
// valid during the call.
type Handler func(src, dst netip.AddrPort, data []byte)

// NewSim returns a network whose clock shows start.
func NewSim(seed uint64, start time.Time) *Sim {
	return &Sim{fabric: newFabric(seed, start), now: start, handlers: make(map[netip.Addr]Handler)}
}

// Now returns the virtual time.
func (s *Sim) Now() time.Time { return s.now }

// A Timer is a function waiting for its time.
type Timer struct {
	s *Sim
	e *event
}

// At has fn called at time t, at once (but not before At returns) if t is
// past. What is due at the same instant happens in the order it was asked
// for.
func (s *Sim) At(t time.Time, fn func()) *Timer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Before(s.now) {
		t = s.now
	}
	e := &event{at: t, fn: fn}
	s.schedule(e)
	return &Timer{s, e}
}

// After is At with the time counted from now.
func (s *Sim) After(d time.Duration, fn func()) *Timer { return s.At(s.now.Add(d), fn) }

// Stop prevents the call and reports whether it did: false if the function
// was called or the timer stopped before.
func (t *Timer) Stop() bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.e.index < 0 {
		return false
	}
	heap.Remove(&t.s.pending, t.e.index)
	return true
}

// Handle has h called for the datagrams to address a, whatever the port, and
// for those to the groups a has joined. nil takes the address off the network.
func (s *Sim) Handle(a netip.Addr, h Handler) {
	if h == nil {
		delete(s.handlers, a.Unmap())
		return
	}
	s.handlers[a.Unmap()] = h
}

// Join makes the interface with address a a member of a multicast group.
func (s *Sim) Join(group, a netip.Addr) {
	k := addrPair{group.Unmap(), a.Unmap()}
	if !slices.Contains(s.joined, k) {
		s.joined = append(s.joined, k)
	}
}

// Send sends a datagram from one address to another, or to the members of a
// multicast group on the segment of src, the sender among them. The data is
// copied. The error is a *udpencap.MTUError, if data is too large for the
// segment of src.
func (s *Sim) Send(src, dst netip.AddrPort, data []byte) error { return s.send(src, dst, data, true) }

// SendECN is Send with ECN bits.
func (s *Sim) SendECN(src, dst netip.AddrPort, data []byte, ecn udpencap.ECN) error {
	s.ecn = ecn
	defer func() { s.ecn = 0 }()
	return s.send(src, dst, data, true)
}

// ECN returns the ECN bits of the datagram whose Handler is running.
func (s *Sim) ECN() udpencap.ECN { return s.arrived }

// SendFragments is Send without the DF bit: no MTU stops the datagram, as if
// IP had fragmented it.
func (s *Sim) SendFragments(src, dst netip.AddrPort, data []byte) {
	_ = s.send(src, dst, data, false)
}

func (s *Sim) send(src, dst netip.AddrPort, data []byte, df bool) error {
	src, dst = unmap(src), unmap(dst)
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := src.Addr(), dst.Addr()
	s.fragment = !df
	if df && from != to {
		if err := s.checkMTU(from, dst, len(data)); err != nil {
			return err
		}
	}
	s.trace.add(s.now, Send, src, dst, data, "")
	if !to.IsMulticast() {
		s.carry(s.now, src, dst, from, to, data, from == to)
		return nil
	}
	for _, j := range s.joined {
		if j.src == to && s.segment(j.dst) == s.segment(from) {
			s.carry(s.now, src, dst, from, j.dst, data, from == j.dst)
		}
	}
	return nil
}

// Pending returns how many datagrams and functions are waiting for their
// time.
func (s *Sim) Pending() int { return len(s.pending) }

// Next returns when the next event is due; ok is false if there is none.
func (s *Sim) Next() (t time.Time, ok bool) {
	if len(s.pending) == 0 {
		return time.Time{}, false
	}
	return s.pending[0].at, true
}

// Step moves the clock to the next event and lets it happen. It reports
// whether there was one.
func (s *Sim) Step() bool {
	s.mu.Lock()
	if len(s.pending) == 0 {
		s.mu.Unlock()
		return false
	}
	e := s.next(s.pending[0].at)
	if e.at.After(s.now) {
		s.now = e.at
	}
	if e.fn != nil {
		s.mu.Unlock()
		e.fn()
		return true
	}
	h := s.handlers[e.to]
	if h == nil {
		s.trace.add(s.now, Drop, e.src, e.dst, e.data, "no receiver")
	} else {
		s.trace.add(s.now, Deliver, e.src, e.dst, e.data, "")
	}
	s.mu.Unlock()
	if h != nil {
		s.arrived = e.ecn
		h(e.src, e.dst, e.data)
		s.arrived = 0
	}
	s.recycle(e.data)
	return true
}

// RunUntil lets everything happen that is due until t, and sets the clock to
// t.
func (s *Sim) RunUntil(t time.Time) {
	for len(s.pending) > 0 && !s.pending[0].at.After(t) {
		s.Step()
	}
	if t.After(s.now) {
		s.now = t
	}
}

// RunIdle runs until nothing is waiting any more.
func (s *Sim) RunIdle() {
	for s.Step() {
	}
}

// RunWhile runs as long as cond holds, there is something to happen, and it
// is due until limit. It reports whether cond no longer holds.
func (s *Sim) RunWhile(limit time.Time, cond func() bool) bool {
	for cond() {
		if len(s.pending) == 0 || s.pending[0].at.After(limit) {
			return false
		}
		s.Step()
	}
	return true
}

// TraceHash returns a hash over everything that has happened to datagrams:
// time, kind, addresses and bytes. It is not a cryptographic one.
func (s *Sim) TraceHash() uint64 { return s.trace.hash }

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
