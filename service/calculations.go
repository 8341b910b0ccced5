// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"sync"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/calcapp"
)

// calculations are what the sessions of a CalcApp have in common.
type calculations struct {
	srv *pool.Server

	mu       sync.Mutex
	element  *calcapp.Element
	sessions map[uint64]*calcSession
	last     uint64
	timer    *time.Timer // for the deadline of the element
	load     loadTeller
}

// A calcSession is one of a CalcApp.
type calcSession struct {
	c    *calculations
	id   uint64
	out  []calcapp.Output // what is to be sent; the lock is that of c
	wake chan struct{}    // there is something to send
	turn chan struct{}    // held by who sends
}

func newCalculations(srv *pool.Server, cfg calcapp.ElementConfig) *calculations {
	return &calculations{srv: srv, element: calcapp.NewElement(cfg), sessions: map[uint64]*calcSession{}}
}

func (c *calculations) begin() *calcSession {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	s := &calcSession{c: c, id: c.last, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	c.sessions[s.id] = s
	return s
}

func (c *calculations) end(s *calcSession) {
	_ = c.step(func(e *calcapp.Element, now time.Time) error { e.HandleEnd(now, s.id); return nil })
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s.id)
}

func (c *calculations) drain(s *calcSession) {
	_ = c.step(func(e *calcapp.Element, now time.Time) error { e.HandleDrain(now, s.id); return nil })
}

// step changes the element, hands out what is to be sent, and sets the timer.
func (c *calculations) step(f func(*calcapp.Element, time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.element.HandleTimer(now)
	err := f(c.element, now)
	for o, ok := c.element.Poll(); ok; o, ok = c.element.Poll() {
		if s := c.sessions[o.Session]; s != nil {
			s.out = append(s.out, o)
			select {
			case s.wake <- struct{}{}:
			default:
			}
		}
	}
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if at := c.element.Deadline(); !at.IsZero() {
		c.timer = time.AfterFunc(at.Sub(now), func() {
			_ = c.step(func(*calcapp.Element, time.Time) error { return nil })
		})
	}
	c.load.tell(c.srv, c.element.Load())
	return err
}

// next takes what is to be sent next.
func (s *calcSession) next() (o calcapp.Output, ok bool) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if len(s.out) == 0 {
		return o, false
	}
	o = s.out[0]
	if s.out = s.out[1:]; len(s.out) == 0 {
		s.out = nil
	}
	return o, true
}

// flush sends what is to be sent. It reports false if the session is over.
func (s *calcSession) flush(ctx context.Context, conn *pool.ServerConn) bool {
	s.turn <- struct{}{} // no lock: who waits for it may wait for long
	defer func() { <-s.turn }()
	for o, ok := s.next(); ok; o, ok = s.next() {
		if !sendCalcApp(ctx, conn, o) {
			return false
		}
	}
	return true
}

func sendCalcApp(ctx context.Context, conn *pool.ServerConn, o calcapp.Output) bool {
	if o.Message.Type == 0 {
		b, err := o.Cookie.AppendBinary(nil)
		return err == nil && giveCookie(ctx, conn, b) == nil
	}
	b, err := o.Message.AppendBinary(nil)
	return err == nil && reply(ctx, conn, sctp.Message{PPID: calcapp.PPID, Data: b}) == nil
}
