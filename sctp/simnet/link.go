// SPDX-License-Identifier: Apache-2.0

package simnet

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// DefaultMTU is the MTU, in bytes of IP packet, of a segment that sets none.
const DefaultMTU = 1500

// DefaultQueue is how many bytes wait for a link with a rate but no queue
// limit: a few tens of full packets, as in a small router.
const DefaultQueue = 64 << 10

// Settings say what a link does to a datagram. The zero value does nothing.
type Settings struct {
	// Delay is the propagation delay.
	Delay time.Duration
	// Jitter is the most that is added to Delay, evenly distributed. It
	// reorders datagrams sent within that time of each other.
	Jitter time.Duration
	// Loss and Duplicate are the probabilities, 0 to 1, that a datagram is
	// lost, or arrives twice.
	Loss, Duplicate float64
	// Mark is the probability that an ECN-capable datagram is marked: congestion
	// experienced (RFC 3168).
	Mark float64
	// MTU is the largest IP packet carried, in bytes. As the first hop of a
	// datagram it refuses a larger one with an MTUError; further away it
	// drops it silently. 0 is DefaultMTU for a Segment, no limit for a Link.
	MTU int
	// Rate is in bytes of IP packet per second, for each source address.
	// 0 is no limit.
	Rate int
	// Queue is how many bytes may wait for a link with a Rate; what comes on
	// top is dropped. 0 is DefaultQueue.
	Queue int
}

// A Link is a hop on the way of a datagram. All its methods may be called
// while datagrams are under way, from any goroutine.
type Link struct {
	f       *fabric
	set     Settings
	down    bool
	isolate bool
	busy    map[netip.Addr]time.Time // when the last byte of a source leaves
}

// Set replaces the settings.
func (l *Link) Set(s Settings) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.set = s
}

// Settings returns the settings in force.
func (l *Link) Settings() Settings {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.set
}

// Down turns the link into a black hole: what enters it is lost silently.
func (l *Link) Down() { l.setDown(true) }

// Up undoes Down.
func (l *Link) Up() { l.setDown(false) }

func (l *Link) setDown(down bool) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.down = down
}

// cross draws the fate of a datagram of size bytes which enters the link at
// t: when it leaves at the other end, or the reason why it does not.
func (l *Link) cross(t time.Time, src netip.Addr, size int) (time.Time, string) {
	s := &l.set
	switch {
	case l.down:
		return t, "down"
	case s.MTU > 0 && size > s.MTU && !l.f.fragment:
		return t, "mtu"
	case s.Loss > 0 && l.f.rng.Float64() < s.Loss:
		return t, "loss"
	}
	if e := l.f.ecn; s.Mark > 0 && (e == udpencap.ECNECT0 || e == udpencap.ECNECT1) && l.f.rng.Float64() < s.Mark {
		l.f.marked = true
	}
	if s.Rate > 0 {
		free := l.busy[src]
		if free.Before(t) {
			free = t
		}
		limit := s.Queue
		if limit == 0 {
			limit = DefaultQueue
		}
		waiting := free.Sub(t).Seconds() * float64(s.Rate)
		if int(waiting) > 0 && int(waiting)+size > limit {
			return t, "queue"
		}
		t = free.Add(time.Duration(float64(size) / float64(s.Rate) * float64(time.Second)))
		if l.busy == nil {
			l.busy = make(map[netip.Addr]time.Time)
		}
		l.busy[src] = t
	}
	t = t.Add(s.Delay)
	if s.Jitter > 0 {
		t = t.Add(time.Duration(l.f.rng.Int64N(int64(s.Jitter))))
	}
	return t, ""
}

// A Segment is a network (a subnet) which every address within its prefix is
// attached to.
type Segment struct {
	Link
	prefix netip.Prefix
}

// Prefix returns the addresses which belong to the segment; that of the
// default segment is the zero value.
func (s *Segment) Prefix() netip.Prefix { return s.prefix }

// Addr returns address number i of the prefix: Addr(1) of 10.1.0.0/24 is
// 10.1.0.1. It panics outside the prefix.
func (s *Segment) Addr(i int) netip.Addr {
	b := s.prefix.Addr().AsSlice()
	for k := len(b) - 1; k >= 0 && i > 0; k-- {
		i += int(b[k])
		b[k] = byte(i)
		i >>= 8
	}
	a, _ := netip.AddrFromSlice(b)
	if !s.prefix.Contains(a) {
		panic(fmt.Sprintf("simnet: segment %v has no address %d", s.prefix, i))
	}
	return a
}

// Isolate cuts the segment off from the others: only addresses within it
// reach each other.
func (s *Segment) Isolate() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.isolate = true
}

// Segment returns the segment of a prefix such as "10.1.0.0/24", and creates
// it when asked for the first time. Where prefixes overlap the longest one
// has the address. It panics if the text is not a prefix.
func (f *fabric) Segment(prefix string) *Segment {
	p := netip.MustParsePrefix(prefix).Masked()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.segments {
		if s.prefix == p {
			return s
		}
	}
	s := &Segment{Link: Link{f: f}, prefix: p}
	f.segments = append(f.segments, s)
	slices.SortStableFunc(f.segments, func(a, b *Segment) int { return b.prefix.Bits() - a.prefix.Bits() })
	clear(f.segmentOf)
	return s
}

// Default returns the segment of the addresses outside every other one.
func (f *fabric) Default() *Segment { return f.rest }

// Disjoint creates n isolated segments: 10.1.0.0/24, 10.2.0.0/24 and so on.
func (f *fabric) Disjoint(n int) []*Segment {
	segs := make([]*Segment, n)
	for i := range segs {
		segs[i] = f.Segment(fmt.Sprintf("10.%d.0.0/24", i+1))
		segs[i].Isolate()
	}
	return segs
}

// Link returns the link from one address to another, in this direction only,
// and creates it when asked for the first time.
func (f *fabric) Link(src, dst netip.Addr) *Link {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := addrPair{src.Unmap(), dst.Unmap()}
	l := f.links[k]
	if l == nil {
		l = &Link{f: f}
		f.links[k] = l
	}
	return l
}
