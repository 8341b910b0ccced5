// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"time"

	"github.com/rserpool/rserpool/registrar/engine"
)

// never is far off.
const never = 365 * 24 * time.Hour

// now is the time the engine is told. The lock is held, so that it does not go back.
func (s *Server) now() time.Time { return time.Now() }

// runTimer does what is due in time, and sends announcements.
func (s *Server) runTimer(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-s.wake:
		}
		s.mu.Lock()
		now := s.now()
		s.eng.HandleTimeout(now)
		announcements := s.announcements()
		s.armed = now // drain shall not wake who is awake
		send, _ := s.drain(nil, nil)
		at, ok := s.eng.NextDeadline()
		if !ok {
			at = now.Add(never)
		}
		s.armed = at
		t.Reset(at.Sub(now))
		s.mu.Unlock()
		s.sendAll(send)
		if s.hasUnlogged() {
			s.work.Go(s.logEvents) // what is due does not wait for a Handler
		}
		for _, a := range announcements {
			s.sendAnnouncement(a)
		}
	}
}

// do lets f work with the engine, and distributes what the engine then has to say.
func (s *Server) do(f func(now time.Time)) {
	s.mu.Lock()
	f(s.now())
	send, _ := s.drain(nil, nil)
	s.mu.Unlock()
	s.sendAll(send)
	s.logEvents()
}

// drain distributes what the engine has to say. It adds the clients with something to send, but tells of self in own. One
// that another batch has already is left to that. The lock is held.
func (s *Server) drain(self *client, send []*client) (_ []*client, own bool) {
	for {
		t, ok := s.eng.PollTransmit()
		if !ok {
			break
		}
		c := s.clients[t.Assoc]
		if c == nil {
			continue
		}
		if !c.push(t.Data) {
			s.work.Go(c.tooSlow)
			c.drop()
			continue
		}
		if c == self {
			own = true
		} else if !c.listed.Swap(true) {
			send = append(send, c)
		}
	}
	for {
		a, ok := s.eng.PollAbort()
		if !ok {
			break
		}
		if c := s.clients[a.Assoc]; c != nil {
			c.drop()
			s.work.Go(func() { c.via.Abort(a.Reason) })
		}
	}
	for {
		x, ok := s.eng.PollConnect()
		if !ok {
			break
		}
		s.work.Go(func() { s.connect(x) })
	}
	for {
		ev, ok := s.eng.PollEvent()
		if !ok {
			break
		}
		switch {
		case !s.log.Enabled(context.Background(), levelOf(ev)):
		case len(s.unlogged) == maxUnlogged:
			s.unloggable++
		default:
			s.unlogged = append(s.unlogged, ev)
		}
	}
	if at, ok := s.eng.NextDeadline(); ok && at.Before(s.armed) {
		s.armed = at
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return send, own
}

// sendAll has others' messages sent, without waiting for them.
func (s *Server) sendAll(clients []*client) {
	for _, c := range clients {
		c.listed.Store(false) // what is queued from now on, another batch sends
		s.work.Go(c.send)
	}
}

func (s *Server) announcements() (all []engine.Announcement) {
	for {
		a, ok := s.eng.PollAnnouncement()
		if !ok {
			return all
		}
		all = append(all, a)
	}
}
