// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Partial delivery (Config.PartialDeliveryPoint). RFC 9260, Section 6.9: "it SHOULD
// dispatch part of its inbound message through a partial delivery API (see Section 11),
// freeing some of its receive buffer space so that the rest of the message can be
// received."

// A Part says which part of a message a received Message is (the partial flag of RFC
// 9260, Section 11.1.7; MSG_EOR of RFC 6458).
//
// A PartFirst, any number of PartMiddle and a PartLast of the same stream, of which
// either all are Unordered or none, are one message. If the rest will not come there is a
// PartCut instead of the last one. Messages of other streams may come between them,
// and on the same stream ordered messages between the parts of an unordered one and the
// reverse; between the parts of an unordered message, whole unordered ones, too.
type Part uint8

const (
	// PartWhole: the message, from beginning to end.
	PartWhole Part = iota
	// PartFirst: its beginning. More follows.
	PartFirst
	// PartMiddle: what follows that. More follows.
	PartMiddle
	// PartLast: the end.
	PartLast
	// PartCut: there is no Data, and the rest of the message will not come: the peer
	// has abandoned it (RFC 3758, Section 3.6), or reset the stream, or the association
	// has ended (SCTP_PARTIAL_DELIVERY_ABORTED of RFC 6458, Section 6.1.7).
	PartCut
)

// More tells whether another part of the message follows, or PartCut.
func (p Part) More() bool { return p == PartFirst || p == PartMiddle }

func (p Part) String() string {
	switch p {
	case PartWhole:
		return "whole"
	case PartFirst:
		return "first"
	case PartMiddle:
		return "middle"
	case PartLast:
		return "last"
	case PartCut:
		return "cut"
	}
	return "invalid"
}

// A partKey names what one message at a time is delivered of in parts. RFC 6458, Section
// 3.1.4: "Only one message at a time can be partially delivered in any stream." With
// unordered ones, that is two.
type partKey struct {
	stream    uint16
	unordered bool
}

func (m *run) key() partKey { return partKey{m.stream, m.unordered} }

// deliverPart delivers what there is of a message, whose rest is to come.
func (r *reassembler) deliverPart(m *run, remote netip.AddrPort) {
	part := PartMiddle
	if !m.begun {
		part, m.begun = PartFirst, true
		if r.begun == nil {
			r.begun = make(map[partKey]*run)
		}
		r.begun[m.key()] = m
	}
	data := r.gather(m)
	m.parts.reset()
	m.hint = int32(min(m.size, maxHint))
	r.held -= m.size
	if r.interleaved {
		r.incomplete -= m.size
		m.total -= m.size
	}
	m.size = 0
	r.push(Message{Stream: m.stream, PPID: m.ppid, Unordered: m.unordered, Part: part, Data: data, Remote: remote})
}

// deliverHead delivers a part of the message that holds the cumulative TSN, of DATA
// chunks, if enough of it is there. Of all others there may be more.
func (r *reassembler) deliverHead(a *Association) {
	if r.point == 0 || r.interleaved || len(r.runs) == 0 {
		return
	}
	m := r.runs[0]
	if m.last == a.tracker.cum && m.begin && m.size >= r.point && (m.unordered || m.ssn == r.stream(m.stream).next) {
		r.deliverPart(m, a.lastRemote())
	}
}

// lastRemote is where the last DATA chunk came from.
func (a *Association) lastRemote() (remote netip.AddrPort) {
	if p := a.ack.from; p != nil {
		remote = p.remote
	}
	return remote
}

// deliverInterleaved delivers a part of a message of I-DATA chunks if there are n bytes
// or more of its beginning, and it is its turn.
func (r *reassembler) deliverInterleaved(st *interleavedStream, m *run, n int, remote netip.AddrPort) {
	if !m.begin || m.end || m.size == 0 || m.size < n {
		return
	}
	if m.unordered {
		if other := r.begun[m.key()]; other != nil && other != m {
			return
		}
	} else if m.mid != st.next {
		return
	}
	r.deliverPart(m, remote)
}

// relieve delivers what there is of all interleaved messages whose turn it is: they fill
// the window.
func (r *reassembler) relieve(remote netip.AddrPort) {
	for _, page := range r.interleavedPages {
		for i := 0; page != nil && i < len(page); i++ {
			st := &page[i]
			for _, m := range st.runs {
				r.deliverInterleaved(st, m, 1, remote)
			}
		}
	}
}

// ended notes that a message of which there were parts has ended, and tells with which.
func (r *reassembler) ended(m *run, part Part) Part {
	if !m.begun {
		return PartWhole
	}
	delete(r.begun, m.key())
	m.begun = false
	return part
}

// another tells whether an ordered message with the number of m has been delivered in part,
// and is not m.
func (r *reassembler) another(stream uint16, ssn wire.SSN, unordered bool, m *run) bool {
	if len(r.begun) == 0 || unordered {
		return false
	}
	o := r.begun[partKey{stream: stream}]
	return o != nil && o != m && o.ssn == ssn
}

// cut tells that the rest of a message will not come, if it has been begun.
func (r *reassembler) cut(m *run) {
	if part := r.ended(m, PartCut); part == PartCut {
		r.push(Message{Stream: m.stream, PPID: m.ppid, Unordered: m.unordered, Part: part})
	}
}

// cutOrdered drops the ordered message of a stream that has been delivered in part.
func (r *reassembler) cutOrdered(id uint16) {
	if m := r.begun[partKey{stream: id}]; m != nil {
		r.cutBegun(m)
	}
}

// cutAll drops all messages that have been delivered in part, or only the ordered ones.
func (r *reassembler) cutAll(ordered bool) {
	if len(r.begun) == 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(r.begun), func(x, y partKey) int {
		return cmp.Or(cmp.Compare(x.stream, y.stream), cmp.Compare(unorderedIndex(x.unordered), unorderedIndex(y.unordered)))
	})
	for _, k := range keys {
		if !ordered || !k.unordered {
			r.cutBegun(r.begun[k])
		}
	}
}

func (r *reassembler) cutBegun(m *run) {
	if r.interleaved {
		st := r.interleavedStream(m.stream)
		if i := slices.Index(st.runs, m); i >= 0 {
			st.remove(i, i+1)
		}
		r.dropIncomplete(m)
		return
	}
	if i := slices.Index(r.runs, m); i >= 0 {
		r.runs = slices.Delete(r.runs, i, i+1)
	}
	r.drop(m)
}
