// SPDX-License-Identifier: Apache-2.0

package assoc

import "fmt"

// A Scheduler chooses the stream to send from when several have messages (RFC
// 8260, Section 3). Each keeps the order of messages within a stream. It
// chooses for each message, or, if both sides interleave messages
// (Association.Interleaving), for each chunk, so that a large message does not
// hold up those of other streams.
type Scheduler int

// The schedulers.
const (
	// SchedulerFCFS sends messages in the order in which they were given to
	// Send, over all streams: first come, first served (Section 3.1). It does not
	// interleave.
	SchedulerFCFS Scheduler = iota
	// SchedulerRoundRobin takes a message, or a chunk, of each stream in turn
	// (Section 3.2).
	SchedulerRoundRobin
	// SchedulerRoundRobinPacket changes the stream with each packet: the loss of
	// a packet holds up one stream only (Section 3.3).
	SchedulerRoundRobinPacket
	// SchedulerPriority sends from the streams with the lowest value first,
	// from those with the same in turn (Section 3.4). The others wait as long as
	// these have something to send.
	SchedulerPriority
	// SchedulerFairCapacity gives each stream the same number of bytes (Section
	// 3.5).
	SchedulerFairCapacity
	// SchedulerWeightedFairQueueing gives each stream a number of bytes
	// proportional to its value; 0 counts as 1 (Section 3.6).
	SchedulerWeightedFairQueueing

	schedulers = iota
)

func (s Scheduler) String() string {
	switch s {
	case SchedulerFCFS:
		return "first come, first served"
	case SchedulerRoundRobin:
		return "round robin"
	case SchedulerRoundRobinPacket:
		return "round robin per packet"
	case SchedulerPriority:
		return "priority"
	case SchedulerFairCapacity:
		return "fair capacity"
	case SchedulerWeightedFairQueueing:
		return "weighted fair queueing"
	}
	return "invalid"
}

func (s Scheduler) discipline() discipline {
	switch s {
	case SchedulerPriority:
		return strictPriority{}
	case SchedulerFairCapacity:
		return new(fairQueueing)
	case SchedulerWeightedFairQueueing:
		return &fairQueueing{weighted: true}
	}
	return roundRobin{}
}

// A scheduling is what the user has chosen, which outlives a restart of the
// association.
type scheduling struct {
	scheduler Scheduler
	values    map[uint16]uint16
}

// Scheduler is the one that is used.
func (a *Association) Scheduler() Scheduler { return a.scheduling.scheduler }

// SetScheduler chooses another one, also for what has been queued (RFC 8260,
// Section 4.3.2). Without interleaving a message that has been begun is finished
// first. The values of streams are kept.
func (a *Association) SetScheduler(s Scheduler) error {
	if s < 0 || s >= schedulers {
		return fmt.Errorf("sctp: scheduler %d is none of the constants", s)
	}
	if s == a.scheduling.scheduler {
		return nil
	}
	a.scheduling.scheduler = s
	a.applyScheduler()
	return nil
}

// StreamValue is the value of an outbound stream: 0, or what SetStreamValue has
// said.
func (a *Association) StreamValue(stream uint16) uint16 { return a.scheduling.values[stream] }

// SetStreamValue gives an outbound stream its value: the priority, 0 being the
// highest, for SchedulerPriority, the weight for SchedulerWeightedFairQueueing.
// The other schedulers do not look at it (RFC 8260, Section 4.3.3).
func (a *Association) SetStreamValue(stream, value uint16) error {
	if int(stream) >= a.outbound {
		return fmt.Errorf("%w: %d of %d", ErrInvalidStream, stream, a.outbound)
	}
	if a.scheduling.values == nil {
		a.scheduling.values = make(map[uint16]uint16)
	}
	if value == 0 {
		delete(a.scheduling.values, stream)
	} else {
		a.scheduling.values[stream] = value
	}
	if q := a.queue.streams; q != nil {
		q.revalue(stream, value)
	}
	return nil
}

// applyScheduler has the queue use the scheduler that was chosen.
func (a *Association) applyScheduler() {
	q, s := &a.queue, a.scheduling.scheduler
	list := q.list()
	if q.streams == nil && s == SchedulerFCFS {
		return
	}
	if q.streams == nil {
		list = append(make([]*outMessage, 0, len(list)), list...)
	}
	q.streams = nil
	if s != SchedulerFCFS {
		q.streams = &streamQueues{
			rule: s.discipline(), perPacket: s == SchedulerRoundRobinPacket,
			interleaved: q.interleaved(), value: a.StreamValue,
		}
	}
	q.rebuild(list)
}
