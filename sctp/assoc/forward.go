// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A forwarder tells the peer what it need not wait for (RFC 3758, Section 3.5).
type forwarder struct {
	due    bool      // it is to be sent again
	point  wire.TSN  // what the last one said
	sent   bool      // there was one
	at     time.Time // when
	path   *path     // … and where
	chunk  wire.ForwardTSN
	ichunk wire.IForwardTSN // with I-DATA
	seen   []uint16         // by stream, 1 + its index in chunk.Streams, while that is built
}

// maxForwardDelay is how often the same FORWARD TSN answers SACKs at most. F3:
// "Any delay applied to the sending of FORWARD TSN chunk SHOULD NOT exceed
// 200ms".
const maxForwardDelay = 200 * time.Millisecond

// forwardDue tells whether a FORWARD TSN chunk is to be sent: C3, as soon as
// the point has moved.
func (a *Association) forwardDue() bool {
	o, f := &a.out, &a.forward
	return a.forwarding() && a.state.mayTransmitData() && (f.due || !f.sent || f.point != o.advanced)
}

// forwarding tells whether the peer does not know yet what it need not wait for.
func (a *Association) forwarding() bool { return a.out.cumAck.Less(a.out.advanced) }

// onForwardTimeout is A5, and threshold management as for DATA: nothing is heard
// of the peer any more.
func (a *Association) onForwardTimeout(now time.Time, p *path) {
	a.forward.due = true
	a.stats.T3Expirations++
	p.rto.backOff()
	a.strike(now, p, true)
}

// onSackForward is C1 to C3. "An implementation may wish to limit the number of
// duplicate FORWARD TSN chunks it sends by ... waiting a full RTT".
func (a *Association) onSackForward(now time.Time) {
	o, f := &a.out, &a.forward
	o.advance()
	if o.advanced == o.cumAck {
		f.due, f.sent = false, false
		return
	}
	if f.sent && now.Sub(f.at) >= min(a.dataPath().rto.srtt, maxForwardDelay) {
		f.due = true
	}
	// C5: "the sender MUST assure that at least one T3-rtx timer is running."
	a.dataPath().startT3(now)
}

// onForwarded notes that the peer has counted a TSN as received: it is there.
func (a *Association) onForwarded() {
	a.errorCount = 0
	if p := a.forward.path; a.forward.sent && p.errorCount > 0 && a.pathTo(p.remote.Addr()) == p && p.clear() {
		a.pathEvent(p)
	}
}

// appendForward appends the FORWARD TSN chunk. C4: "If the total size of the
// FORWARD TSN does NOT fit in a single MTU, then the sender of the FORWARD TSN
// SHOULD lower the Advanced.Peer.Ack.Point to the last TSN that will fit".
func (k *packet) appendForward(now time.Time) {
	const headerLen = wire.ChunkHeaderLen + 4
	a, f, o := k.a, &k.a.forward, &k.a.out
	room := k.room()
	if len(k.b) > wire.HeaderLen && room < headerLen+4*32 {
		return // in the next packet
	}
	if a.Interleaving() {
		k.appendIForward(now, room)
		return
	}
	f.chunk.Streams = f.chunk.Streams[:0]
	if len(f.seen) < a.outbound {
		f.seen = make([]uint16, a.outbound)
	}
	tsn := o.cumAck.Add(1)
	for ; tsn.LessEq(o.advanced); tsn = tsn.Add(1) {
		m := o.at(tsn).msg
		if m.unordered {
			continue // "MUST NOT report TSN's corresponding to DATA chunks that are marked as unordered"
		}
		if i := f.seen[m.stream]; i > 0 {
			f.chunk.Streams[i-1].SSN = m.ssn // "only the highest"
			continue
		}
		if headerLen+4*(len(f.chunk.Streams)+1) > room {
			break
		}
		f.chunk.Streams = append(f.chunk.Streams, wire.SkippedStream{Stream: m.stream, SSN: m.ssn})
		f.seen[m.stream] = uint16(len(f.chunk.Streams))
	}
	for _, s := range f.chunk.Streams {
		f.seen[s.Stream] = 0
	}
	o.advanced = tsn.Add(^uint32(0))
	f.chunk.NewCumTSN = o.advanced
	k.b = f.chunk.Append(k.b)
	k.forwarded(now)
}

func (k *packet) forwarded(now time.Time) {
	f := &k.a.forward
	f.due, f.sent, f.point, f.at, f.path = false, true, k.a.out.advanced, now, k.p
	k.a.stats.ForwardTSNsSent++
	k.p.tried = k.local
	k.p.startT3(now)
}

// handleForwardTSN processes a FORWARD TSN chunk (RFC 3758, Section 3.6), or an
// I-FORWARD-TSN chunk. It tells whether the rest of the packet may be processed.
func (a *Association) handleForwardTSN(now time.Time, p *path, c wire.Chunk) bool {
	interleaved := c.Type == wire.ChunkIForwardTSN
	to, err := a.parseForward(c)
	if err != nil {
		a.stats.BadPackets++
		return false
	}
	if !a.state.mayReceiveData() || a.resetUnderWay() {
		return true // it comes again
	}
	if interleaved != a.Interleaving() || interleaved && !a.canForward() {
		a.abortViolation(now, wrongForwardChunk(c.Type))
		return false
	}
	// "the receiver MUST follow the same rules as if a DATA chunk had been
	// received".
	a.stats.ForwardTSNsReceived++
	a.ack.from = p
	if ahead := to.Diff(a.tracker.cum); ahead <= 0 || ahead > maxTSNSpan {
		// "the data receiver MUST treat this FORWARD TSN as out-of-date ... SHOULD
		// send a SACK to its peer". So it is with one beyond all that can be on its
		// way.
		a.ack.immediate = true
		return true
	}
	if a.tracker.hasGaps() || a.ack.first {
		a.ack.immediate, a.ack.first = true, false
	}
	a.tracker.forward(to)
	a.ack.immediate = a.ack.immediate || a.tracker.hasGaps()
	if !a.skipMessages(now, interleaved) {
		return false
	}
	a.performDeferred(now)
	if a.state == StateClosed {
		return false
	}
	a.reassembly.purge(a.tracker.cum)
	a.reassembly.deliverHead(a)
	return true
}

// forward counts all up to tsn as arrived, "and then MUST further advance its
// cumulative TSN point locally if possible".
func (t *tsnTracker) forward(tsn wire.TSN) {
	t.cum = tsn
	n := 0
	for n < len(t.ranges) && t.ranges[n].first.LessEq(t.cum.Add(1)) {
		if t.cum.Less(t.ranges[n].last) {
			t.cum = t.ranges[n].last
		}
		n++
	}
	t.ranges = append(t.ranges[:0], t.ranges[n:]...)
}

// skip delivers what waits on a stream up to an SSN, and expects the next one.
// Section 3.6: "immediately make available for delivery stream sequence numbers
// earlier than or equal to the stream sequence number listed".
func (r *reassembler) skip(id uint16, ssn wire.SSN) {
	st := r.stream(id)
	if ssn.Less(st.next) {
		return
	}
	r.cutOrdered(id)
	n := 0
	waiting := st.inTurn()
	for n < len(waiting) && waiting[n].ssn.LessEq(ssn) {
		r.deliver(waiting[n], netip.AddrPort{})
		n++
	}
	st.next = ssn + 1
	for n < len(waiting) && waiting[n].ssn == st.next {
		r.deliver(waiting[n], netip.AddrPort{})
		st.next++
		n++
	}
	r.waitedFor(st, n)
}

// purge drops what cannot become whole any more. Section 3.6: "The receiver MUST
// remove any partially reassembled message, which is still missing one or more
// TSNs earlier than or equal to the new cumulative TSN point."
func (r *reassembler) purge(cum wire.TSN) {
	kept := r.runs[:0]
	for _, m := range r.runs {
		if !m.begin && m.first.LessEq(cum) || !m.end && m.last.Less(cum) {
			for _, part := range m.parts.items() {
				r.pool.put(part)
			}
			r.drop(m)
			continue
		}
		kept = append(kept, m)
	}
	clear(r.runs[len(kept):])
	r.runs = kept
}

// cutOff drops the unfinished message before one that begins with tsn: its rest
// has been abandoned before it got a TSN. If it was the next one on its stream,
// the stream goes on: no FORWARD TSN need tell of what has all arrived.
func (r *reassembler) cutOff(tsn wire.TSN) {
	i := r.find(tsn)
	if i == 0 || r.runs[i-1].last.Add(1) != tsn || r.runs[i-1].end {
		return
	}
	m := r.runs[i-1]
	r.runs = slices.Delete(r.runs, i-1, i)
	stream, ssn, ordered := m.stream, m.ssn, !m.unordered
	r.drop(m)
	if ordered && r.stream(stream).next == ssn {
		r.skip(stream, ssn)
	}
}
