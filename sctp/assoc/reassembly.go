// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A run is a piece of a message: DATA chunks with consecutive TSNs.
type run struct {
	first, last wire.TSN
	begin, end  bool // the first is a B, the last an E fragment
	unordered   bool
	stream      uint16
	ssn         wire.SSN
	ppid        wire.PPID
	parts       deque[[]byte] // in order; usually one
	size        int

	mid               wire.MID // with I-DATA chunks: see addInterleaved
	firstFSN, lastFSN wire.FSN
	total             int // bytes of all pieces of the message, in its first

	begun bool  // a part has been delivered: see deliverPart
	hint  int32 // how large that was, or maxHint
}

// A reassembler puts fragments together (RFC 9260, Section 6.9) and keeps
// ordered messages until their turn comes (Section 6.6). Every TSN is put in
// once: the tsnTracker filters duplicates.
type reassembler struct {
	runs  []*run    // incomplete messages, by TSN
	pages []*inPage // of streams, as far as used
	limit int       // number of inbound streams
	ready msgQueue
	pool  bufPool
	// partial says that messages may stay unfinished (RFC 3758).
	partial bool
	// interleaved says that I-DATA chunks come.
	interleaved      bool
	interleavedPages []*interleavedPage

	// point is Config.PartialDeliveryPoint. begun are the messages that have been
	// delivered in part.
	point int
	begun map[partKey]*run

	freeRuns []*run
	spare    spareLists
	// streamBytes is what the pages take.
	streamBytes int
	// held counts the bytes of data kept here, heldRuns the pieces they are in:
	// fragments that follow each other share one.
	held, heldRuns int
	// incomplete are the bytes of messages that are not complete, with I-DATA.
	incomplete int
	// unread and unreadMessages count what is complete, but not consumed.
	unread, unreadMessages int
	delivered              uint64 // messages, ever
	deliveredBytes         uint64
	recent, recentBytes    int // messages of late: see inData
}

// maxHint bounds the memory that the first fragment of a message gets for those
// to come. It is not charged to the receive window.
const maxHint = 256 << 10

func (r *reassembler) init(streams int) {
	r.cutAll(false)
	r.runs = r.runs[:0]
	r.pages, r.limit = nil, streams
	r.interleavedPages, r.incomplete = nil, 0
	r.streamBytes = 0
	r.held, r.heldRuns = 0, 0
}

// add takes a DATA chunk; it copies the payload. It reports whether the
// fragment contradicts what is here already, which is a protocol violation.
func (r *reassembler) add(d *wire.Data, remote netip.AddrPort) (ok bool) {
	begin, end := d.Flags&wire.DataBegin != 0, d.Flags&wire.DataEnd != 0
	unordered := d.Flags&wire.DataUnordered != 0
	st := r.stream(d.Stream)
	if begin && r.partial && len(r.runs) > 0 {
		r.cutOff(d.TSN)
	}

	// A whole message whose turn it is: no run needed.
	if begin && end && (unordered || d.SSN == st.next && st.waiting == nil) {
		if len(r.runs) > 0 && !r.fits(d.TSN, true, true) {
			return false
		}
		if r.another(d.Stream, d.SSN, unordered, nil) {
			return false
		}
		buf := append(r.pool.get(len(d.Payload)), d.Payload...)
		r.push(Message{Stream: d.Stream, PPID: d.PPID, Unordered: unordered, Data: buf, Remote: remote})
		if !unordered {
			st.next++
		}
		return true
	}

	i := r.find(d.TSN)
	var prev, next *run
	if !begin && i > 0 && r.runs[i-1].last.Add(1) == d.TSN && !r.runs[i-1].end {
		prev = r.runs[i-1]
	}
	if !end && i < len(r.runs) && d.TSN.Add(1) == r.runs[i].first && !r.runs[i].begin {
		next = r.runs[i]
	}
	if !r.fits(d.TSN, begin, end) ||
		prev != nil && !prev.sameMessage(d, unordered) || next != nil && !next.sameMessage(d, unordered) {
		return false
	}

	r.held += len(d.Payload)
	if prev == nil {
		r.heldRuns++
		prev = r.newRun(d, unordered)
		prev.begin = begin
		hint := len(d.Payload)
		if begin && !end && len(r.runs) == 0 {
			hint = max(hint, int(st.hint))
		}
		prev.parts.insert(0, append(r.pool.get(hint), d.Payload...))
		prev.size = len(d.Payload)
		r.runs = slices.Insert(r.runs, i, prev)
		i++
	} else {
		r.extend(prev, d.Payload)
		prev.last = d.TSN
	}
	prev.end = end
	if next != nil {
		prev.join(next, &r.pool)
		r.runs = slices.Delete(r.runs, i, i+1)
		r.heldRuns--
		r.freeRun(next)
	}
	if prev.begin && prev.end {
		j := i - 1
		r.runs = slices.Delete(r.runs, j, j+1)
		st.hint = int32(min(prev.size, maxHint))
		r.complete(st, prev, remote)
	}
	return true
}

// fits tells whether the neighbours of a fragment agree with it: what follows
// an E fragment, or nothing unfinished, begins a message. With partial
// reliability, what is unfinished may have been abandoned.
func (r *reassembler) fits(tsn wire.TSN, begin, end bool) bool {
	i := r.find(tsn)
	if i > 0 && r.runs[i-1].last.Add(1) == tsn && r.runs[i-1].end == !begin && !(begin && r.partial) {
		return false // a B after an unfinished message, or a non-B after an E
	}
	if i < len(r.runs) && tsn.Add(1) == r.runs[i].first && r.runs[i].begin == !end && !(!end && r.partial) {
		return false
	}
	return true
}

// find returns the index of the first run above tsn.
func (r *reassembler) find(tsn wire.TSN) int {
	if n := len(r.runs); n > 0 && r.runs[n-1].last.Less(tsn) {
		return n // the usual case
	}
	i, _ := slices.BinarySearchFunc(r.runs, tsn, func(x *run, tsn wire.TSN) int {
		if x.last.Less(tsn) {
			return -1
		}
		return 1
	})
	return i
}

// complete hands a message to its stream.
func (r *reassembler) complete(st *inStream, m *run, remote netip.AddrPort) {
	if m.unordered {
		r.deliver(m, remote)
		return
	}
	if r.another(m.stream, m.ssn, false, m) {
		r.drop(m) // nothing can be made of it either
		return
	}
	if m.ssn != st.next {
		i, found := slices.BinarySearchFunc(st.inTurn(), m.ssn, func(x *run, ssn wire.SSN) int {
			if x.ssn.Less(ssn) {
				return -1
			}
			if x.ssn == ssn {
				return 0
			}
			return 1
		})
		if found || m.ssn.Less(st.next) {
			r.drop(m) // the SSN was used already: nothing can be made of it
			return
		}
		r.wait(st, i, m)
		return
	}
	r.deliver(m, remote)
	st.next++
	n := 0
	for _, w := range st.inTurn() {
		if w.ssn != st.next {
			break
		}
		r.deliver(w, remote)
		st.next++
		n++
	}
	r.waitedFor(st, n)
}

// gather makes one of the parts of a message.
func (r *reassembler) gather(m *run) (data []byte) {
	parts := m.parts.items()
	data = parts[0]
	if len(parts) > 1 {
		data = r.pool.get(m.size)
		for _, p := range parts {
			data = append(data, p...)
			r.pool.put(p)
		}
	}
	return data
}

func (r *reassembler) deliver(m *run, remote netip.AddrPort) {
	part := r.ended(m, PartLast)
	r.push(Message{Stream: m.stream, PPID: m.ppid, Unordered: m.unordered, Part: part, Data: r.gather(m), Remote: remote})
	r.held -= m.size
	r.heldRuns--
	r.freeRun(m)
}

func (r *reassembler) push(m Message) {
	r.unread += len(m.Data)
	r.unreadMessages++
	if !m.Part.More() && m.Part != PartCut {
		r.delivered++
	}
	r.deliveredBytes += uint64(len(m.Data))
	r.ready.push(m)
	if m.Part == PartCut {
		return // says nothing of the sizes of messages
	}
	r.recent++
	r.recentBytes += len(m.Data)
	if r.recent == 16*manyMessages {
		r.recent, r.recentBytes = r.recent/2, r.recentBytes/2
	}
}

func (r *reassembler) drop(m *run) {
	r.cut(m)
	r.held -= m.size
	r.heldRuns--
	r.freeRun(m)
}

// resetStreams expects SSN 0 next on streams; none: on all. What waited for
// its turn is delivered: nothing before it will come.
func (r *reassembler) resetStreams(ids []uint16) {
	if r.interleaved {
		r.resetInterleavedStreams(ids)
		return
	}
	reset := func(st *inStream) {
		waiting := st.inTurn()
		for _, m := range waiting {
			r.deliver(m, netip.AddrPort{})
		}
		r.waitedFor(st, len(waiting))
		st.next = 0
	}
	if len(ids) == 0 {
		r.cutAll(true)
	}
	for _, id := range ids {
		r.cutOrdered(id)
		if st := r.known(id); st != nil {
			reset(st)
		}
	}
	if len(ids) > 0 {
		return
	}
	for _, page := range r.pages {
		if page == nil {
			continue
		}
		for i := range page {
			reset(&page[i])
		}
	}
}

// forget drops what is incomplete and begins all streams anew.
func (r *reassembler) forget() {
	for _, m := range r.runs {
		r.drop(m)
	}
	r.runs = r.runs[:0]
	r.resetStreams(nil)
}

// headIncomplete is the size of the unfinished message which holds the
// cumulative TSN: the one that nothing but more data can complete. With I-DATA
// chunks that may be so of several.
func (r *reassembler) headIncomplete(cum wire.TSN) int {
	if r.interleaved {
		return r.incomplete
	}
	if len(r.runs) > 0 && r.runs[0].last == cum {
		return r.runs[0].size
	}
	return 0
}

func (r *reassembler) newRun(d *wire.Data, unordered bool) *run {
	var m *run
	if n := len(r.freeRuns); n > 0 {
		m = r.freeRuns[n-1]
		r.freeRuns = r.freeRuns[:n-1]
	} else {
		m = new(run)
	}
	*m = run{
		first: d.TSN, last: d.TSN, unordered: unordered,
		stream: d.Stream, ssn: d.SSN, ppid: d.PPID, parts: m.parts,
	}
	return m
}

const maxFreeRuns = 64 // more are left to the garbage collector

func (r *reassembler) freeRun(m *run) {
	if m.parts.reset(); cap(m.parts.buf) > smallListLen {
		m.parts = deque[[]byte]{}
	}
	if len(r.freeRuns) < maxFreeRuns {
		r.freeRuns = append(r.freeRuns, m)
	}
}

func (m *run) sameMessage(d *wire.Data, unordered bool) bool {
	return m.stream == d.Stream && m.unordered == unordered && (unordered || m.ssn == d.SSN)
}

// extend appends the payload of a fragment.
func (r *reassembler) extend(m *run, payload []byte) {
	if m.parts.len() == 0 { // all there was has been delivered
		n := len(payload)
		if r.heldRuns == 1 {
			n = max(n, int(m.hint))
		}
		m.parts.insert(0, append(r.pool.get(n), payload...))
		m.size = len(payload)
		return
	}
	m.extend(payload, &r.pool)
}

func (m *run) extend(payload []byte, pool *bufPool) {
	parts := m.parts.items()
	i := len(parts) - 1
	part := parts[i]
	if need := len(part) + len(payload); need > cap(part) {
		if need > 1<<maxBufBits {
			need += len(part) // smaller ones double as it is
		}
		grown := append(pool.get(need), part...)
		pool.put(part)
		part = grown
	}
	parts[i] = append(part, payload...)
	m.size += len(payload)
}

// smallPart bounds the memory that parts take which none of their bytes are charged
// for: together, two of them that follow each other are larger.
const smallPart = 512

// join appends what follows.
func (m *run) join(next *run, pool *bufPool) {
	if first := next.parts.items()[0]; m.parts.len() > 0 && len(m.parts.items()[m.parts.len()-1])+len(first) <= smallPart {
		m.extend(first, pool)
		m.size -= len(first)
		pool.put(first)
		next.parts.removeFront(1)
	}
	if m.parts.len() < next.parts.len() {
		next.parts.prepend(m.parts.items())
		m.parts, next.parts = next.parts, m.parts
	} else {
		m.parts.append(next.parts.items())
	}
	m.last, m.end = next.last, next.end
	m.size += next.size
}
