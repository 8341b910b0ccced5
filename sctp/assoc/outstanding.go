// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A chunkState is where a sent DATA chunk stands.
type chunkState uint8

const (
	chunkInFlight   chunkState = iota // counted in its path's flight size
	chunkRetransmit                   // marked for retransmission: not in flight
	chunkGapAcked                     // acknowledged by a gap ack block
	chunkAbandoned                    // RFC 3758: as if it were acknowledged
)

// An outChunk is a DATA chunk that was sent and is not cumulatively
// acknowledged.
type outChunk struct {
	msg    *outMessage
	path   *path // where it was sent last
	off, n int32
	flags  uint8
	state  chunkState
	misses uint8 // miss indications (RFC 9260, Section 7.2.4)
	fast   bool  // "ineligible for a subsequent Fast Retransmit"
	resent bool
	moved  bool   // sent on more than one path
	times  uint16 // it was sent again
	// resentBefore is the TSN that was next when it was sent again.
	resentBefore wire.TSN
	fsn          wire.FSN      // with I-DATA
	sent         time.Duration // when: see Association.since
}

// size is what the chunk counts for in flight size and congestion window: "the
// length of the DATA chunk, including the padding" (RFC 9260, Section 7.2).
func (c *outChunk) size() int { return int(c.msg.header) + (int(c.n)+3)&^3 }

// An outstanding holds the DATA chunks in flight, in a ring indexed by TSN.
type outstanding struct {
	ring   []outChunk // a power of two, or none while nothing has been sent
	cumAck wire.TSN   // Cumulative TSN Ack Point
	next   wire.TSN   // the TSN the next new chunk gets
	gaps   []tsnRange // acknowledged beyond cumAck, as of the last SACK

	bytes    int // bytes of data in flight (neither gap-acked nor marked)
	inFlight int // chunks in flight
	marked   int // chunks marked for retransmission

	abandoned int      // chunks
	advanced  wire.TSN // Advanced.Peer.Ack.Point (RFC 3758, Section 3.5)
}

func (o *outstanding) init(initial wire.TSN) {
	*o = outstanding{ring: o.ring, gaps: o.gaps[:0], cumAck: initial.Add(^uint32(0)), next: initial}
	o.advanced = o.cumAck
}

// count is the number of TSNs between cumAck and next.
func (o *outstanding) count() int { return int(o.next.Diff(o.cumAck)) - 1 }

func (o *outstanding) at(tsn wire.TSN) *outChunk {
	return &o.ring[uint32(tsn)&uint32(len(o.ring)-1)]
}

// add records a chunk sent for the first time and returns its TSN.
func (o *outstanding) add(c outChunk) wire.TSN {
	if o.count() == len(o.ring) {
		o.grow()
	}
	tsn := o.next
	*o.at(tsn) = c
	o.next = tsn.Add(1)
	o.flight(o.at(tsn), +1)
	return tsn
}

const minRing = 16

func (o *outstanding) grow() {
	old := o.ring
	o.ring = make([]outChunk, max(minRing, 2*len(old)))
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		*o.at(tsn) = old[uint32(tsn)&uint32(len(old)-1)]
	}
}

// flight adds a chunk to what is in flight (+1) or takes it out (-1).
func (o *outstanding) flight(c *outChunk, sign int) {
	c.path.flightSize += sign * c.size()
	o.bytes += sign * int(c.n)
	o.inFlight += sign
}

// mark takes a chunk out of flight for retransmission. RFC 9260, Section
// 6.2.1, C: "Any time a DATA chunk is marked for retransmission ..., add the
// data size of those chunks to the rwnd": the rwnd is derived from bytes.
func (o *outstanding) mark(c *outChunk) {
	if c.state == chunkInFlight {
		o.flight(c, -1)
		c.state = chunkRetransmit
		o.marked++
	}
}

// resend puts a marked chunk in flight again, on a path.
func (o *outstanding) resend(c *outChunk, p *path) {
	c.moved = c.moved || c.path != p
	c.path, c.state, c.resent, c.resentBefore = p, chunkInFlight, true, o.next
	c.misses = 0
	if c.times < math.MaxUint16 {
		c.times++
	}
	o.marked--
	o.flight(c, +1)
}

// leave accounts for a chunk that is acknowledged.
func (o *outstanding) leave(c *outChunk) {
	switch c.state {
	case chunkInFlight:
		o.flight(c, -1)
	case chunkRetransmit:
		o.marked--
	}
}

// renege undoes a gap acknowledgement: the chunk is in flight again.
func (o *outstanding) renege(c *outChunk) {
	c.state = chunkInFlight
	o.flight(c, +1)
}
