// SPDX-License-Identifier: Apache-2.0

package assoc

// A fairQueueing shares the capacity between the streams that have something to
// send: equally (RFC 8260, Section 3.5), or by weights (Section 3.6): "If the
// weight of stream S1 is n times the weight of stream S2, the scheduler should
// assign to stream S1 n times the capacity it assigns to stream S2."
//
// It is start-time fair queueing. What is sent of a stream begins at a virtual
// time, its tag, and ends later by its length over the weight; there the next
// begins. The least tag is served, and is the virtual time: a stream that had
// nothing to send begins then, and has nothing saved from before. Over any time
// in which two streams both have something to send, what they are given differs
// by no more than one piece (message or chunk) of each, divided by its weight.
type fairQueueing struct {
	weighted bool
	now      uint64 // the virtual time: bytes of a stream with weight 1, by weightUnit
}

// weightUnit makes a byte divisible by the largest weight.
const weightUnit = 1 << 16

func (f *fairQueueing) join(s *outStream) {
	s.class, s.tag = 0, s.end
	if int64(s.end-f.now) < 0 {
		s.tag = f.now
	}
	s.end = s.tag
}

func (f *fairQueueing) begun(s *outStream) { f.now = s.tag }

func (f *fairQueueing) served(s *outStream, n int) {
	f.now = s.tag
	weight := uint64(1)
	if f.weighted {
		weight = max(uint64(s.value), 1)
	}
	s.end = s.tag + uint64(n)*weightUnit/weight
	s.tag = s.end
}
