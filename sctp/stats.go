// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"sync/atomic"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// A ConnStats counts what an association did. Sizes are in bytes.
type ConnStats struct {
	assoc.Stats
	// State is that of the association.
	State State
	// EventsDropped is how many events were lost because nobody called
	// NextEvent.
	EventsDropped uint64
}

// A StackStats counts what a Stack did.
type StackStats struct {
	// What the engine counted of packets without an association.
	assoc.StackStats
	// Associations is how many there are now, half-open ones which this side
	// dialled included.
	Associations int
	// Established is how many associations reached that state.
	Established uint64
	// Refused is how many associations were aborted because the backlog of
	// their Listener was full.
	Refused uint64
	// Reads and Writes count system calls that moved data.
	Reads, Writes uint64
	// PacketsReceived counts SCTP packets, PacketsReplied those answered
	// without an association, and PacketsUnclaimed those answered or dropped.
	PacketsReceived, PacketsReplied, PacketsUnclaimed uint64
	// BytesReceived counts UDP payload.
	BytesReceived uint64
	// ReadErrors and WriteErrors count failed reads, and datagrams that could
	// not be sent.
	ReadErrors, WriteErrors uint64
}

type counters struct {
	established, refused               atomic.Uint64
	reads, writes                      atomic.Uint64
	packets, replied, unclaimed, bytes atomic.Uint64
	readErrors, writeErrors            atomic.Uint64
}

// Stats returns a snapshot of the counters.
func (s *Stack) Stats() StackStats {
	s.mu.Lock()
	n, eng := len(s.conns), s.eng.Stats()
	s.mu.Unlock()
	c := &s.count
	return StackStats{
		StackStats:   eng,
		Associations: n, Established: c.established.Load(), Refused: c.refused.Load(),
		Reads: c.reads.Load(), Writes: c.writes.Load(),
		PacketsReceived: c.packets.Load(), PacketsReplied: c.replied.Load(), PacketsUnclaimed: c.unclaimed.Load(),
		BytesReceived: c.bytes.Load(), ReadErrors: c.readErrors.Load(), WriteErrors: c.writeErrors.Load(),
	}
}
