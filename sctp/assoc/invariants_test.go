// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"errors"
	"fmt"
	"slices"
)

// Check compares what an association counts with what it holds. It holds
// between any two calls of its methods.
func (a *Association) Check() error {
	if a.state == StateClosed {
		return nil // what it held was reported, and goes with it
	}
	return errors.Join(a.checkPaths(), a.checkSending(), a.checkReceiving())
}

func equal(what string, counted, held int) error {
	if counted != held {
		return fmt.Errorf("%s: %d counted, %d there", what, counted, held)
	}
	return nil
}

func (a *Association) checkPaths() error {
	if len(a.paths) == 0 || len(a.paths) > a.cfg.MaxPaths {
		return fmt.Errorf("%d paths", len(a.paths))
	}
	for i, p := range a.paths {
		if p.index != i {
			return fmt.Errorf("path %d has the index %d", i, p.index)
		}
		if a.pathTo(p.remote.Addr()) != p {
			return fmt.Errorf("two paths to %v", p.remote)
		}
	}
	for name, p := range map[string]*path{
		"primary": a.primary, "primary wanted": a.primaryWanted, "current": a.dataPathCurrent, "acknowledged": a.ack.from,
		"T1": a.t1.path, "T2": a.t2.path, "T4": a.asconf.t4.path,
	} {
		if p == nil && name != "primary" || slices.Contains(a.paths, p) {
			continue
		}
		if p != nil && (name == "T1" || name == "T2") && (a.t1.deadline.IsZero() && a.t2.deadline.IsZero()) {
			continue // not running: where it was sent last
		}
		return fmt.Errorf("the %s path is none of the association's", name)
	}
	for _, r := range a.replies {
		if !r.alone && !slices.Contains(a.paths, r.path) {
			return errors.New("an answer is to go over a path that is none of the association's")
		}
	}
	return nil
}

func (a *Association) checkSending() error {
	o, q := &a.out, &a.queue
	if n := o.count(); n < 0 || n > len(o.ring) {
		return fmt.Errorf("%d TSNs outstanding in a ring of %d", n, len(o.ring))
	}
	flight := map[*path]int{}
	counted := map[*outMessage]bool{}
	bytes, inFlight, marked, abandoned, queued, unsent, partial := 0, 0, 0, 0, 0, 0, 0
	count := func(m *outMessage) {
		if counted[m] || m.abandoned {
			return
		}
		counted[m] = true
		queued += len(m.data) + perMessageCost
		if m.rel.policy != PRNone {
			partial++
		}
	}
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		c := o.at(tsn)
		if c.msg == nil {
			return fmt.Errorf("TSN %d has no message", tsn)
		}
		count(c.msg)
		switch c.state {
		case chunkInFlight:
			flight[c.path] += c.size()
			bytes += int(c.n)
			inFlight++
		case chunkRetransmit:
			marked++
		case chunkAbandoned:
			abandoned++
		}
		if c.state != chunkGapAcked && c.state != chunkAbandoned && !slices.Contains(a.paths, c.path) {
			return fmt.Errorf("TSN %d was sent over a path that is none of the association's", tsn)
		}
	}
	for _, m := range q.list() {
		count(m)
		unsent += len(m.data) - m.cut
	}
	var errs []error
	for _, p := range a.paths {
		errs = append(errs, equal(fmt.Sprintf("flight size to %v", p.remote), p.flightSize, flight[p]))
		if p.flightSize > 0 && p.t3RTX.IsZero() && a.state != StateCookieEchoed && a.tlp.timer.IsZero() {
			errs = append(errs, fmt.Errorf("data is in flight to %v, but T3-rtx does not run", p.remote))
		}
	}
	return errors.Join(append(errs,
		equal("bytes in flight", o.bytes, bytes), equal("chunks in flight", o.inFlight, inFlight),
		equal("chunks marked", o.marked, marked), equal("chunks abandoned", o.abandoned, abandoned),
		equal("bytes in the send buffer", q.bytes, queued), equal("bytes not sent", q.unsent, unsent),
		equal("messages not reliable", q.partial, partial), q.pool.check())...)
}

func (a *Association) checkReceiving() error {
	if a.peerTag == 0 {
		return nil // nothing is known of the peer yet
	}
	last := a.tracker.cum
	for _, r := range a.tracker.ranges {
		if !last.Add(1).Less(r.first) || r.last.Less(r.first) {
			return fmt.Errorf("ranges %v above %d", a.tracker.ranges, a.tracker.cum)
		}
		last = r.last
	}
	if len(a.tracker.ranges) > maxGapRanges || last.Diff(a.tracker.cum) > maxTSNSpan || len(a.tracker.dups) > maxDuplicates {
		return errors.New("the tracker holds more than its limits")
	}
	r := &a.reassembly
	held, runs := 0, 0
	hold := func(m *run) {
		runs++
		n := 0
		for _, p := range m.parts.items() {
			n += len(p)
		}
		held += m.size
		if n != m.size {
			held = -1 << 40
		}
	}
	for i, m := range r.runs {
		hold(m)
		if i > 0 && !r.runs[i-1].last.Less(m.first) {
			return fmt.Errorf("runs to %d and from %d", r.runs[i-1].last, m.first)
		}
	}
	for _, page := range r.pages {
		for i := 0; page != nil && i < len(page); i++ {
			for _, m := range page[i].inTurn() {
				hold(m)
				if m.ssn == page[i].next || m.ssn.Less(page[i].next) {
					return fmt.Errorf("SSN %d waits for %d", m.ssn, page[i].next)
				}
			}
		}
	}
	state := pointerSize * (len(r.pages) + len(r.interleavedPages))
	for _, page := range r.pages {
		if page != nil {
			state += inPageSize
		}
	}
	for _, page := range r.interleavedPages {
		if page != nil {
			state += interleavedPageSize
		}
		for i := 0; page != nil && i < len(page); i++ {
			for _, m := range page[i].runs {
				hold(m)
			}
		}
	}
	for k, m := range r.begun {
		if !m.begun || !m.begin || m.end || m.key() != k {
			return fmt.Errorf("stream %d: a message is listed as begun that is not", k.stream)
		}
		held := r.runs
		if r.interleaved {
			held = r.interleavedStream(k.stream).runs
		}
		if !slices.Contains(held, m) {
			return fmt.Errorf("stream %d: a message is begun that is not there", k.stream)
		}
	}
	if err := equal("state of streams", r.streamBytes, state); err != nil {
		return err
	}
	if d := a.reconfig.deferred; d != nil {
		for _, h := range d.held {
			held += len(h.d.Payload)
			runs++
		}
	}
	for _, h := range a.reconfig.held {
		held += len(h.d.Payload)
		runs++
	}
	unread := 0
	for _, m := range r.ready.items[r.ready.head:] {
		unread += len(m.Data)
	}
	if r.unread < unread || r.unreadMessages < len(r.ready.items)-r.ready.head {
		return fmt.Errorf("%d bytes unread, at least %d there", r.unread, unread)
	}
	return errors.Join(equal("bytes held", r.held, held), equal("pieces held", r.heldRuns, runs), r.pool.check())
}

func (p *bufPool) check() error {
	n := 0
	for c := 0; p.classes != nil && c < len(p.classes); c++ {
		class := p.classes[c]
		for _, b := range class {
			n += cap(b)
		}
	}
	return errors.Join(equal("bytes in the pool", p.bytes, n))
}

// Authenticate returns a packet of the association's with what must be
// authenticated in it authenticated.
func (a *Association) Authenticate(packet []byte) []byte {
	if !a.ext.has(extAuth) {
		return packet
	}
	return a.authenticate(packet)
}

// Serials are the numbers that a packet of the peer has if it is right.
type Serials struct {
	Tag               uint32
	TSN, CumAck       uint32 // of the next DATA chunk, and of a SACK for nothing new
	Asconf, AsconfAck uint32
	Request, Response uint32 // of RE-CONFIG parameters
}

// Serials returns them, for who forges packets of the peer.
func (a *Association) Serials() Serials {
	s := Serials{
		Tag: a.myTag, TSN: uint32(a.tracker.cum.Add(1)), CumAck: uint32(a.out.cumAck),
		Asconf: uint32(a.asconf.peerSeq + 1), AsconfAck: uint32(a.asconf.next - 1),
		Request: uint32(a.reconfig.expected), Response: uint32(a.reconfig.next - 1),
	}
	if sent := a.asconf.sent; len(sent) > 0 {
		s.AsconfAck = uint32(sent[0].seq)
	}
	if r := a.reconfig.current; len(r) > 0 && a.reconfig.begun {
		s.Response = uint32(r[0].seq)
	}
	return s
}
