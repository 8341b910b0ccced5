// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
)

// A Subscription tells what is in a pool, and again whenever that changes (RFC 5352, Section 2.2.5: the S bit). As long as
// there is one, Resolve, Dial and failovers of the Client find the pool in its cache, up to date. Its methods may be called
// from any number of goroutines.
type Subscription struct {
	c      *Client
	handle string

	mu    sync.Mutex
	state PoolState
	known bool          // there is a state
	fresh bool          // which Next has not told
	wake  chan struct{} // has an element when there is something for Next, or it has ended
	ended bool
}

// A PoolState is what is in a pool.
type PoolState struct {
	// Elements are in the order of their identifiers, 128 at most: registrars list no more. None if Err is not nil.
	Elements []Element
	// Pushed says that the registrar tells by itself when the pool changes, within half a second by default. Otherwise, with
	// RSPLIB's registrar and while there is no such pool, it is asked every Config.ASAP.StaleCacheValue.
	Pushed bool
	// Err says why nothing is known of the pool: ErrPoolNotFound, which is no more than that it is empty, or what Resolve
	// would return. It is looked at again.
	Err error
}

// Subscribe asks for all that becomes of a pool, which need not exist. Subscriptions to one pool cost the registrar no more
// than one. The error says that the handle is none, or that the Client is closed.
func (c *Client) Subscribe(handle string) (*Subscription, error) {
	if err := checkHandle(handle); err != nil {
		return nil, fmt.Errorf("pool: subscribe: %w", err)
	}
	s := &Subscription{c: c, handle: handle, wake: make(chan struct{}, 1)}
	var err error
	open := c.do(func(now time.Time) {
		h := param.PoolHandle(handle)
		if err = c.agent.Subscribe(now, h); err != nil {
			return
		}
		if list := c.subscriptions[h]; len(list) > 0 {
			s.learn(list[0])
		}
		c.subscriptions[h] = append(c.subscriptions[h], s)
	})
	switch {
	case !open:
		return nil, fmt.Errorf("pool: subscribe to pool %.32q: %w", handle, errClosed)
	case err != nil:
		return nil, fmt.Errorf("pool: %w", err)
	}
	return s, nil
}

// Handle returns the pool handle.
func (s *Subscription) Handle() string { return s.handle }

// Next waits for what is in the pool: first what there is, then what is new since the last call. If there was more than one
// change since, it tells of the last one only. The error is the context's, or matches net.ErrClosed when the Subscription or
// its Client was closed.
func (s *Subscription) Next(ctx context.Context) (PoolState, error) {
	for {
		s.mu.Lock()
		state, fresh, ended := s.state, s.fresh, s.ended
		if fresh && !ended {
			s.fresh = false
		}
		s.mu.Unlock()
		switch {
		case ended:
			s.signal() // for others who wait
			return PoolState{}, fmt.Errorf("pool: subscription to pool %.32q: %w", s.handle, errClosed)
		case fresh:
			state.Elements = slices.Clone(state.Elements)
			return state, nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return PoolState{}, ctx.Err()
		}
	}
}

// Close ends the Subscription, and Next. To close it again does nothing.
func (s *Subscription) Close() error {
	if s.end() {
		h := param.PoolHandle(s.handle)
		s.c.do(func(now time.Time) {
			list := s.c.subscriptions[h]
			for i, o := range list {
				if o == s {
					list = append(list[:i:i], list[i+1:]...)
					break
				}
			}
			if s.c.subscriptions[h] = list; len(list) == 0 {
				delete(s.c.subscriptions, h)
			}
			s.c.agent.Unsubscribe(now, h)
		})
	}
	return nil
}

// end reports whether it is the first time.
func (s *Subscription) end() bool {
	s.mu.Lock()
	first := !s.ended
	s.ended = true
	s.mu.Unlock()
	s.signal()
	return first
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// learn takes over what another Subscription to the same pool knows.
func (s *Subscription) learn(o *Subscription) {
	o.mu.Lock()
	s.state, s.known = o.state, o.known
	o.mu.Unlock()
	if s.state.Elements = slices.Clone(s.state.Elements); s.known {
		s.fresh = true
		s.signal()
	}
}

// told takes what the agent tells. Whoever gets it has a copy.
func (s *Subscription) told(e *agent.EventPool) {
	state := PoolState{Pushed: e.Pushed, Err: e.Err}
	if e.Err == nil {
		state.Elements = make([]Element, len(e.Elements))
		for i, pe := range e.Elements {
			state.Elements[i] = newElement(e.Handle, pe)
		}
	}
	s.mu.Lock()
	s.state, s.known, s.fresh = state, true, true
	s.mu.Unlock()
	s.signal()
}
