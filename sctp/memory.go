// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// ErrMemory: the associations of the Stack take Config.MaxMemory.
var ErrMemory = assoc.ErrMemory

// A memory is what the associations of a Stack take together (Config.MaxMemory). Each
// is told how much is left when someone enters its engine, and what it takes is
// charged when he leaves.
type memory struct {
	limit   int // 0: none
	used    atomic.Int64
	peak    atomic.Int64  // of used, since the starved were told last
	changed chan struct{} // the flusher is to share what there is

	mu sync.Mutex
	// starved are the associations that would take more. It is a leaf lock.
	starved map[*Conn]bool
	any     atomic.Bool // starved has some
}

// chargeStep is by how much an association must have changed to be charged anew, in
// bytes.
const chargeStep = 1 << 10

func (m *memory) init(limit int) {
	m.limit = max(limit, 0)
	m.changed = make(chan struct{}, 1)
	m.starved = make(map[*Conn]bool)
}

// room is how much is left.
func (m *memory) room() int {
	if m.limit == 0 {
		return math.MaxInt
	}
	return m.limit - int(m.used.Load())
}

// tight tells whether more than half is taken: then what users have read is
// reported at once.
func (m *memory) tight() bool { return m.limit > 0 && m.used.Load() > int64(m.limit/2) }

func (m *memory) wake() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// askRoom tells the engine how much is left. The lock is held.
func (c *Conn) askRoom() {
	if m := &c.stack.memory; m.limit > 0 {
		c.a.SetRoom(m.room())
	}
}

// charge accounts for what the association takes now. The lock is held.
func (c *Conn) charge() {
	m := &c.stack.memory
	if m.limit == 0 {
		return
	}
	if n := c.a.Memory(); n != c.charged && (n == 0 || n-c.charged >= chargeStep || c.charged-n >= chargeStep) {
		d := n - c.charged
		c.charged = n
		after := int(m.used.Add(int64(d)))
		for p := m.peak.Load(); int64(after) > p && !m.peak.CompareAndSwap(p, int64(after)); p = m.peak.Load() {
		}
		switch before := after - d; {
		case before <= m.limit/2 && after > m.limit/2:
			m.wake() // users may have read what has not been reported
		case d < 0 && m.any.Load() && m.worthSharing():
			m.wake()
		}
	}
	if !c.starved() {
		if c.gone && m.any.Load() {
			m.mu.Lock()
			delete(m.starved, c) // it may be long until they are told
			m.mu.Unlock()
		}
		return
	}
	m.mu.Lock()
	known := m.starved[c]
	m.starved[c] = true
	m.any.Store(true)
	m.mu.Unlock()
	if known {
		return
	}
	// Someone may have given back since this one has asked. Whoever does so from now
	// on sees it among the starved.
	if c.askRoom(); !c.starved() && !c.stack.kick(c) {
		m.wake()
	}
}

// worthSharing tells whether the starved are to be told.
func (m *memory) worthSharing() bool {
	return m.room() >= m.limit/assocShare || m.peak.Load()-m.used.Load() >= int64(m.limit/leastShare)
}

// starved tells whether the association or a sender waits for memory. The lock is
// held.
func (c *Conn) starved() bool {
	if c.gone {
		return false
	}
	waiters := c.senders.waiters
	return c.a.Starved() || len(waiters) > 0 && c.a.Lacks(waiters[0].size)
}

// The starved are told when 1/assocShare of the memory is free, or, as what is taken
// may stay so for long, 1/leastShare less is taken than was.
const (
	assocShare = 8
	leastShare = 64
)

// shareMemory is what the flusher does when much has changed: when memory becomes
// scarce it looks for what users have read and nobody has reported, and when there
// is some again it tells those who wait.
func (s *Stack) shareMemory() {
	m := &s.memory
	if m.tight() {
		s.mu.Lock()
		conns := s.allConns()
		s.mu.Unlock()
		for _, c := range conns {
			if c.inbox.dirty.Load() {
				c.leave(c.enter(), false)
			}
		}
	}
	if !m.worthSharing() {
		return
	}
	m.peak.Store(m.used.Load())
	m.mu.Lock()
	starved := m.starved
	m.starved = make(map[*Conn]bool)
	m.any.Store(false)
	m.mu.Unlock()
	for c := range starved {
		c.leave(c.enter(), false)
	}
}

// wakeSpace is the room in the send buffer from which on waiting senders are woken:
// they must be able to have it while memory is not scarce.
func wakeSpace(p assoc.Config) int {
	n := p.SendBuffer / 4
	if p.MaxMemory > 0 {
		n = min(n, p.MaxMemory/(2*assocShare))
	}
	return max(1, n)
}
