// SPDX-License-Identifier: Apache-2.0

package simnet

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// Bytes of IP and UDP header in front of a payload.
const (
	headerIPv4 = 20 + 8
	headerIPv6 = 40 + 8
)

// maxFree bounds the datagram buffers kept for reuse.
const maxFree = 256

// A fabric is what both forms share: the links, the chance, the datagrams
// under way, and the trace.
type fabric struct {
	mu        sync.Mutex // guards everything below and the state of the links
	rng       *rand.Rand
	rest      *Segment
	segments  []*Segment // longest prefix first
	segmentOf map[netip.Addr]*Segment
	links     map[addrPair]*Link
	pending   eventHeap
	seq       uint64
	free      [][]byte
	trace     trace
	fragment  bool         // what is being sent has no DF bit
	ecn       udpencap.ECN // of what is being sent
	marked    bool         // and a link has marked it
}

type addrPair struct{ src, dst netip.Addr }

func newFabric(seed uint64, start time.Time) *fabric {
	f := &fabric{
		rng:       rand.New(rand.NewPCG(seed, 0x73696d6e6574)),
		segmentOf: make(map[netip.Addr]*Segment),
		links:     make(map[addrPair]*Link),
	}
	f.rest = &Segment{Link: Link{f: f}}
	f.trace.init(start)
	return f
}

func (f *fabric) segment(a netip.Addr) *Segment {
	s, ok := f.segmentOf[a]
	if !ok {
		s = f.rest
		for _, c := range f.segments {
			if c.prefix.Contains(a) {
				s = c
				break
			}
		}
		f.segmentOf[a] = s
	}
	return s
}

// checkMTU returns an MTUError if a payload of n bytes to dst is too large
// for the segment of the interface it leaves by.
func (f *fabric) checkMTU(from netip.Addr, dst netip.AddrPort, n int) *udpencap.MTUError {
	mtu := f.mtuOf(from)
	if ipSize(dst.Addr(), n) > mtu {
		return &udpencap.MTUError{Dst: dst, MTU: mtu}
	}
	return nil
}

// mtuOf is the MTU of an interface.
func (f *fabric) mtuOf(a netip.Addr) int {
	if mtu := f.segment(a).set.MTU; mtu != 0 {
		return mtu
	}
	return DefaultMTU
}

func ipSize(a netip.Addr, n int) int {
	if a.Is4() {
		return n + headerIPv4
	}
	return n + headerIPv6
}

// carry sends a datagram on its way from interface from to interface to; the
// two differ from src and dst for multicast only. local says that both are of
// one host.
func (f *fabric) carry(now time.Time, src, dst netip.AddrPort, from, to netip.Addr, data []byte, local bool) {
	if local {
		f.push(now, src, dst, to, data)
		return
	}
	var buf [3]*Link
	hops := buf[:1]
	s, d := f.segment(from), f.segment(to)
	hops[0] = &s.Link
	if l := f.links[addrPair{from, to}]; l != nil {
		hops = append(hops, l)
	}
	if s != d {
		if s.isolate || d.isolate {
			f.trace.add(now, Drop, src, dst, data, "no route")
			return
		}
		hops = append(hops, &d.Link)
	}

	copies := 1
	for _, l := range hops {
		if l.set.Duplicate > 0 && f.rng.Float64() < l.set.Duplicate {
			copies = 2
		}
	}
	size := ipSize(dst.Addr(), len(data))
	for range copies {
		t, why := now, ""
		f.marked = false
		for _, l := range hops {
			if t, why = l.cross(t, from, size); why != "" {
				f.trace.add(now, Drop, src, dst, data, why)
				break
			}
		}
		if why == "" {
			f.push(t, src, dst, to, data)
		}
	}
}

func (f *fabric) push(t time.Time, src, dst netip.AddrPort, to netip.Addr, data []byte) {
	var b []byte
	if n := len(f.free); n > 0 {
		b, f.free = f.free[n-1], f.free[:n-1]
	}
	ecn := f.ecn
	if f.marked {
		ecn, f.marked = udpencap.ECNCE, false
	}
	f.schedule(&event{at: t, src: src, dst: dst, to: to, data: append(b[:0], data...), ecn: ecn})
}

func (f *fabric) schedule(e *event) {
	f.seq++
	e.seq = f.seq
	heap.Push(&f.pending, e)
}

// next takes the earliest event not after t off the heap, or returns nil.
func (f *fabric) next(t time.Time) *event {
	if len(f.pending) == 0 || f.pending[0].at.After(t) {
		return nil
	}
	return heap.Pop(&f.pending).(*event)
}

func (f *fabric) recycle(b []byte) {
	if len(f.free) < maxFree {
		f.free = append(f.free, b)
	}
}

// An event is a datagram about to arrive, or a function to call.
type event struct {
	at    time.Time
	seq   uint64 // orders events of the same instant
	index int    // in the heap; -1: no longer there

	fn       func()
	src, dst netip.AddrPort
	to       netip.Addr // interface it arrives at
	data     []byte
	ecn      udpencap.ECN
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if c := h[i].at.Compare(h[j].at); c != 0 {
		return c < 0
	}
	return h[i].seq < h[j].seq
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = -1
	return e
}
