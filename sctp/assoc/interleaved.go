// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Reassembly of I-DATA chunks. RFC 8260, Section 2.2.3: "the receiver MUST first
// use the SID to identify the stream, consider the U bit to determine if it is
// part of an ordered or unordered message, find the user message identified by
// the MID, and use the FSN for reassembly of the message and not the TSN."

// An interleavedStream is the receiving half of a stream with I-DATA chunks.
type interleavedStream struct {
	next wire.MID // of ordered messages
	hint int32    // size of the last fragmented message, or maxHint
	// runs are pieces of messages, and whole ordered ones before their turn: the
	// ordered first, by MID and FSN.
	runs []*run
}

// An interleavedPage holds streams with neighbouring identifiers, as an inPage
// does.
type interleavedPage [inPageLen]interleavedStream

// maxStreamRuns bounds the pieces on one stream. Each of those of a peer that
// sends one message of a stream after the other is separated from the next by a
// TSN that is missing, or follows one.
const maxStreamRuns = maxTSNSpan + 2

// A fragmentPlace is where a fragment belongs on its stream, comparable as a
// whole: what is expected next is the least.
type fragmentPlace struct {
	message uint64
	fsn     wire.FSN
}

func (st *interleavedStream) place(unordered bool, mid wire.MID, fsn wire.FSN) fragmentPlace {
	if unordered {
		return fragmentPlace{1<<32 | uint64(mid), fsn}
	}
	return fragmentPlace{uint64(mid - st.next), fsn}
}

func (p fragmentPlace) before(o fragmentPlace) bool {
	return p.message < o.message || p.message == o.message && p.fsn < o.fsn
}

// find returns the index of the first run that does not end before a place.
func (st *interleavedStream) find(p fragmentPlace) int {
	ends := func(i int) bool { return st.place(st.runs[i].unordered, st.runs[i].mid, st.runs[i].lastFSN).before(p) }
	if n := len(st.runs); n > 0 && ends(n-1) {
		return n
	}
	i, j := 0, len(st.runs)
	for i < j {
		if k := (i + j) / 2; ends(k) {
			i = k + 1
		} else {
			j = k
		}
	}
	return i
}

// addInterleaved takes an I-DATA chunk; it copies the payload. It reports
// whether the fragment contradicts what is here already, which is a protocol
// violation.
func (r *reassembler) addInterleaved(d *inData, remote netip.AddrPort) (ok bool) {
	begin, end := d.Flags&wire.DataBegin != 0, d.Flags&wire.DataEnd != 0
	unordered := d.Flags&wire.DataUnordered != 0
	st := r.interleavedStream(d.Stream)
	if !unordered && int32(d.mid-st.next) < 0 {
		return true // it was delivered or skipped already: nothing can be made of it
	}
	if !begin && d.fsn == 0 {
		return false // "If the B bit is set ... the FSN is implicitly considered to be 0."
	}

	// A whole message whose turn it is: no run needed.
	if begin && end && (len(st.runs) == 0 || unordered && !st.has(true, d.mid)) && (unordered || d.mid == st.next) {
		buf := append(r.pool.get(len(d.Payload)), d.Payload...)
		r.push(Message{Stream: d.Stream, PPID: d.PPID, Unordered: unordered, Data: buf, Remote: remote})
		if !unordered {
			st.next++
		}
		return true
	}

	i := st.find(st.place(unordered, d.mid, d.fsn))
	var prev, next *run // of the same message
	if i > 0 && st.runs[i-1].isOf(unordered, d.mid) {
		prev = st.runs[i-1]
	}
	if i < len(st.runs) && st.runs[i].isOf(unordered, d.mid) {
		next = st.runs[i]
	}
	if prev != nil && prev.end || next != nil && (end || next.firstFSN <= d.fsn) {
		return false // behind the last fragment, or there already
	}
	before, after := prev != nil, next
	if prev != nil && prev.lastFSN+1 != d.fsn {
		prev = nil
	}
	if next != nil && d.fsn+1 != next.firstFSN {
		next = nil
	}
	if prev == nil && len(st.runs) >= maxStreamRuns {
		return false
	}

	r.held += len(d.Payload)
	r.incomplete += len(d.Payload)
	m := prev
	if m == nil {
		m = r.newRun(&d.Data, unordered)
		m.mid, m.firstFSN, m.begin = d.mid, d.fsn, begin
		hint := len(d.Payload)
		if begin && !end && r.heldRuns == 0 {
			hint = max(hint, int(st.hint))
		}
		r.heldRuns++
		m.parts.insert(0, append(r.pool.get(hint), d.Payload...))
		m.size = len(d.Payload)
		if !before && after != nil {
			m.total = after.total
		}
		st.runs = slices.Insert(st.runs, i, m)
	} else {
		i--
		r.extend(m, d.Payload)
	}
	m.lastFSN, m.end = d.fsn, end
	if next != nil {
		m.join(next, &r.pool)
		m.lastFSN = next.lastFSN
		st.remove(i+1, i+2)
		r.heldRuns--
		r.freeRun(next)
	}
	first := m
	if before && !m.begin {
		first = st.first(unordered, d.mid)
	}
	first.total += len(d.Payload)
	if m.begin && m.end {
		r.incomplete -= m.size
		if !begin || !end {
			st.hint = int32(min(m.size, maxHint))
		}
		switch {
		case unordered:
			st.remove(i, i+1)
			r.deliver(m, remote)
		case d.mid == st.next:
			r.deliverInTurn(st, remote)
		}
	} else if r.point > 0 {
		r.deliverInterleaved(st, m, r.point, remote)
	}
	return true
}

// deliverInTurn delivers the ordered messages whose turn it is.
func (r *reassembler) deliverInTurn(st *interleavedStream, remote netip.AddrPort) {
	n := 0
	for n < len(st.runs) {
		m := st.runs[n]
		if m.unordered || m.mid != st.next || !m.begin || !m.end {
			break
		}
		r.deliver(m, remote)
		st.next++
		n++
	}
	st.remove(0, n)
	if r.point > 0 && len(st.runs) > 0 {
		r.deliverInterleaved(st, st.runs[0], r.point, remote)
	}
}

// remove takes pieces out, and gives back the memory of many.
func (st *interleavedStream) remove(i, j int) {
	if i < j {
		st.runs = shrunk(slices.Delete(st.runs, i, j))
	}
}

// has tells whether there is something of a message.
func (st *interleavedStream) has(unordered bool, mid wire.MID) bool {
	return st.first(unordered, mid) != nil
}

// first is the first piece of a message, or nil.
func (st *interleavedStream) first(unordered bool, mid wire.MID) *run {
	if i := st.find(st.place(unordered, mid, 0)); i < len(st.runs) && st.runs[i].isOf(unordered, mid) {
		return st.runs[i]
	}
	return nil
}

func (m *run) isOf(unordered bool, mid wire.MID) bool {
	return m.unordered == unordered && m.mid == mid
}

// skipInterleaved gives up what is incomplete up to a MID, and delivers what
// waits behind. RFC 8260, Section 2.3.1: "the principle applied to ordered
// messages when using FORWARD-TSN chunks is applied to ordered and unordered
// messages when using I-FORWARD-TSN chunks."
func (r *reassembler) skipInterleaved(id uint16, unordered bool, mid wire.MID) {
	st := r.interleavedStream(id)
	if !unordered && int32(mid-st.next) < 0 {
		return
	}
	if unordered {
		// MIDs up to this one, by serial number arithmetic, which may be in two places.
		oldest := mid - math.MaxInt32
		if oldest > mid {
			r.giveUp(st, fragmentPlace{message: 1<<32 | uint64(oldest)}, fragmentPlace{message: 2 << 32})
			oldest = 0
		}
		r.giveUp(st, fragmentPlace{message: 1<<32 | uint64(oldest)}, fragmentPlace{message: 1<<32 + uint64(mid) + 1})
		return
	}
	r.giveUp(st, fragmentPlace{}, fragmentPlace{message: uint64(mid-st.next) + 1})
	st.next = mid + 1
	r.deliverInTurn(st, netip.AddrPort{})
}

// giveUp takes the messages of a range of places out, and delivers those that are
// complete. It looks at no others: a chunk may name many messages.
func (r *reassembler) giveUp(st *interleavedStream, from, to fragmentPlace) {
	i, j := st.find(from), st.find(to)
	for _, m := range st.runs[i:j] {
		if m.begin && m.end {
			r.deliver(m, netip.AddrPort{})
		} else {
			r.dropIncomplete(m)
		}
	}
	st.remove(i, j)
}

func (r *reassembler) dropIncomplete(m *run) {
	r.incomplete -= m.size
	r.drop(m)
}

// sizeOf is the size of what there is of the message that a fragment belongs to, if
// it is not complete.
func (r *reassembler) sizeOf(d *inData) int {
	st := r.knownInterleaved(d.Stream)
	if st == nil {
		return 0
	}
	m := st.first(d.Flags&wire.DataUnordered != 0, d.mid)
	if m == nil || m.begin && m.end {
		return 0
	}
	return m.total
}

// resetInterleaved expects MID 0 next. What waited for its turn is delivered, what is
// incomplete given up: nothing of it will come.
func (r *reassembler) resetInterleaved(st *interleavedStream) {
	for _, m := range st.runs {
		if m.begin && m.end {
			r.deliver(m, netip.AddrPort{})
		} else {
			r.dropIncomplete(m)
		}
	}
	st.remove(0, len(st.runs))
	st.next = 0
}

// resetInterleavedStreams is resetStreams.
func (r *reassembler) resetInterleavedStreams(ids []uint16) {
	for _, id := range ids {
		if st := r.knownInterleaved(id); st != nil {
			r.resetInterleaved(st)
		}
	}
	if len(ids) > 0 {
		return
	}
	for _, page := range r.interleavedPages {
		if page == nil {
			continue
		}
		for i := range page {
			r.resetInterleaved(&page[i])
		}
	}
}

// stuck tells whether nothing can ever be read any more: the window is full of
// the beginnings of messages. All that was sent has arrived, and the peer may
// send no more of it.
func (a *Association) stuck() bool {
	r := &a.reassembly
	full := func() bool {
		return r.interleaved && (r.incomplete > 0 || len(r.begun) > 0) && r.unread == 0 && !a.resetUnderWay() && !a.tracker.hasGaps() && a.window(a.freeBuffer()) == 0
	}
	if r.point > 0 && full() {
		r.relieve(a.lastRemote())
	}
	return full()
}
