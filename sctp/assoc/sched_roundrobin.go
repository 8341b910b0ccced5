// SPDX-License-Identifier: Apache-2.0

package assoc

// A roundRobin ranks all streams alike, so that each has a turn before one has
// another. RFC 8260, Section 3.2: "When not interleaving user messages, this
// scheduler provides a fair scheduling based on the number of user messages by
// cycling around non-empty stream queues. When interleaving user messages, this
// scheduler provides a fair scheduling based on the number of I-DATA chunks".
//
// With streamQueues.perPacket it is that of Section 3.3, "which only switches
// streams when starting to fill a new packet".
type roundRobin struct{}

func (roundRobin) join(s *outStream)      { s.class, s.tag = 0, 0 }
func (roundRobin) begun(*outStream)       {}
func (roundRobin) served(*outStream, int) {}

// mayHold tells whether a packet may hold a chunk of a stream. RFC 8260, Section
// 3.3: "It bundles only DATA or I-DATA chunks referring to the same stream in a
// packet."
func (k *packet) mayHold(stream uint16) bool {
	q := k.a.queue.streams
	return q == nil || !q.perPacket || k.stream < 0 || k.stream == int(stream)
}

// onlyWhole tells whether the message that is next is not to be begun in a
// packet which has one already, unless all of it fits: the next packet would
// have to go on with it, and the streams would not change.
func (q *sendQueue) onlyWhole() bool {
	return q.streams != nil && q.streams.perPacket && !q.interleaved()
}
