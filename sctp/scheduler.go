// SPDX-License-Identifier: Apache-2.0

package sctp

import "github.com/rserpool/rserpool/sctp/assoc"

// A Scheduler chooses the stream to send from when several have messages (RFC
// 8260, Section 3). Each keeps the order of messages within a stream. It
// chooses for each message, or, with Conn.Interleaving, for each chunk.
type Scheduler = assoc.Scheduler

// The schedulers.
const (
	// SchedulerFCFS: first come, first served, over all streams.
	SchedulerFCFS = assoc.SchedulerFCFS
	// SchedulerRoundRobin: the streams in turn.
	SchedulerRoundRobin = assoc.SchedulerRoundRobin
	// SchedulerRoundRobinPacket: another stream with each packet, so that the
	// loss of one holds up one stream only.
	SchedulerRoundRobinPacket = assoc.SchedulerRoundRobinPacket
	// SchedulerPriority: the streams with the lowest value first, those with the
	// same in turn; the others wait.
	SchedulerPriority = assoc.SchedulerPriority
	// SchedulerFairCapacity: the same number of bytes for each stream.
	SchedulerFairCapacity = assoc.SchedulerFairCapacity
	// SchedulerWeightedFairQueueing: bytes in proportion to the streams' values.
	SchedulerWeightedFairQueueing = assoc.SchedulerWeightedFairQueueing
)

// Interleaving tells whether both sides have agreed to interleave user messages
// (Config.Interleaving; RFC 8260, Section 4.2).
func (c *Conn) Interleaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.a.Interleaving()
}

// Scheduler is the one that is used.
func (c *Conn) Scheduler() Scheduler {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.a.Scheduler()
}

// SetScheduler chooses another scheduler, also for what has been queued (RFC
// 8260, Section 4.3.2). The values of streams are kept. It returns an error for
// what is none of the constants.
func (c *Conn) SetScheduler(s Scheduler) error {
	now := c.enter()
	err := c.a.SetScheduler(s)
	c.leave(now, false)
	return err
}

// StreamValue is the value of an outbound stream: 0, or what SetStreamValue has
// said.
func (c *Conn) StreamValue(stream uint16) uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.a.StreamValue(stream)
}

// SetStreamValue gives an outbound stream its value (RFC 8260, Section 4.3.3):
// for SchedulerPriority the priority, of which 0 is the highest; for
// SchedulerWeightedFairQueueing the weight, where 0 counts as 1. It returns
// ErrInvalidStream for a stream that there is not.
func (c *Conn) SetStreamValue(stream, value uint16) error {
	now := c.enter()
	err := c.a.SetStreamValue(stream, value)
	c.leave(now, false)
	return err
}
