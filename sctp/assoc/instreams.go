// SPDX-License-Identifier: Apache-2.0

package assoc

import "github.com/rserpool/rserpool/sctp/wire"

// An inStream is the receiving half of a stream. It stays as long as the association
// does, for the number of the next message, and so it is small.
type inStream struct {
	waiting *runList // complete, but before their turn; by SSN; nil: none
	hint    int32    // size of the last fragmented message, or maxHint
	next    wire.SSN
}

type runList = deque[*run]

// An inPage holds streams with neighbouring identifiers: who sends on stream
// 65535 only does not cost the memory of all below.
type inPage [inPageLen]inStream

const inPageLen = 64

// What the state of streams is charged, in bytes: what the allocator takes for it on
// 64-bit systems.
const (
	inPageSize          = 1152 // 64 × 16
	interleavedPageSize = 2304 // 64 × 32
	outPageSize         = 4096 // 64 × 56
	pointerSize         = 8
)

// stream returns the state of a stream below the limit.
func (r *reassembler) stream(id uint16) *inStream {
	i := int(id) / inPageLen
	if i >= len(r.pages) || r.pages[i] == nil {
		r.streamBytes += r.pageCost(id)
		r.pages = widened(r.pages, i)
		r.pages[i] = new(inPage)
	}
	return &r.pages[i][id%inPageLen]
}

func (r *reassembler) interleavedStream(id uint16) *interleavedStream {
	i := int(id) / inPageLen
	if i >= len(r.interleavedPages) || r.interleavedPages[i] == nil {
		r.streamBytes += r.pageCost(id)
		r.interleavedPages = widened(r.interleavedPages, i)
		r.interleavedPages[i] = new(interleavedPage)
	}
	return &r.interleavedPages[i][id%inPageLen]
}

// known is the state of a stream, or nil if nothing has come on it, nor on those with
// which it shares a page.
func (r *reassembler) known(id uint16) *inStream {
	if i := int(id) / inPageLen; i < len(r.pages) && r.pages[i] != nil {
		return &r.pages[i][id%inPageLen]
	}
	return nil
}

func (r *reassembler) knownInterleaved(id uint16) *interleavedStream {
	if i := int(id) / inPageLen; i < len(r.interleavedPages) && r.interleavedPages[i] != nil {
		return &r.interleavedPages[i][id%inPageLen]
	}
	return nil
}

// widened makes a table of pages have the i-th entry.
func widened[T any](pages []*T, i int) []*T {
	if i < len(pages) {
		return pages
	}
	n := make([]*T, i+1) // no larger than it is charged
	copy(n, pages)
	return n
}

// pageCost is what the state of a stream takes which there is none of yet, in bytes.
func (r *reassembler) pageCost(id uint16) int {
	i := int(id) / inPageLen
	if r.interleaved {
		return newPageCost(r.interleavedPages, i, interleavedPageSize)
	}
	return newPageCost(r.pages, i, inPageSize)
}

func newPageCost[T any](pages []*T, i, size int) int {
	switch {
	case i >= len(pages):
		return size + (i+1-len(pages))*pointerSize
	case pages[i] == nil:
		return size
	}
	return 0
}

// inTurn are the messages that wait for their turn.
func (st *inStream) inTurn() []*run {
	if st.waiting == nil {
		return nil
	}
	return st.waiting.items()
}

// wait keeps a message until its turn, before the i-th that waits.
func (r *reassembler) wait(st *inStream, i int, m *run) {
	if st.waiting == nil {
		st.waiting = r.spare.take()
	}
	st.waiting.insert(i, m)
}

// waitedFor takes out the first n messages that waited.
func (r *reassembler) waitedFor(st *inStream, n int) {
	if st.waiting == nil {
		return
	}
	if st.waiting.removeFront(n); st.waiting.len() == 0 {
		r.spare.put(st.waiting)
		st.waiting = nil
	}
}

// spareLists keeps lists for reuse: one of any size, and small ones.
type spareLists []*runList

const (
	maxSpareLists = 64
	maxSpareLen   = 4096 // of the first
	smallListLen  = 64   // of the others
)

func (s *spareLists) take() *runList {
	n := len(*s)
	if n == 0 {
		return new(runList)
	}
	l := (*s)[n-1]
	(*s)[n-1] = nil
	*s = (*s)[:n-1]
	return l
}

func (s *spareLists) put(l *runList) {
	most := smallListLen
	if len(*s) == 0 {
		most = maxSpareLen
	}
	if cap(l.buf) <= most && len(*s) < maxSpareLists {
		*s = append(*s, l)
	}
}

// dropSpare gives back what is kept for reuse.
func (r *reassembler) dropSpare() { r.pool, r.freeRuns, r.spare = bufPool{}, nil, nil }
