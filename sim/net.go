// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/registrar/engine"
)

// A port is an SCTP endpoint: one address, one port.
type port struct {
	host *host
	port uint16
}

// host is a machine with one address.
type host struct {
	addr  netip.Addr
	up    bool // its owner runs
	dark  bool // without power: nothing answers
	owner owner
	open  []*assoc // in the order of their set-up
	sides int      // changes with every start
}

// owner is what runs on a host.
type owner interface {
	// listens reports whether associations to a port are accepted.
	listens(port uint16) bool
	// accepted tells of an association that a peer has set up; connected of one that was asked for.
	accepted(a *assoc, local uint16)
	connected(id uint64, local uint16, a *assoc)
	failed(id uint64, local uint16)
	received(a *assoc, ppid uint32, b []byte)
	lost(a *assoc, how engine.Loss)
}

// An assoc is an association between two ports.
type assoc struct {
	id     uint64
	ends   [2]port
	closed bool
	gone   [2]bool      // who knows that it is closed
	last   [2]time.Time // arrival of the last message to each end
	stuck  [2][]message // what waits for a link that is down
	broken time.Time    // since when the link is down or an end is dead; zero: it is not
}

type message struct {
	ppid uint32
	b    []byte
}

func (a *assoc) end(h *host) int {
	if a.ends[0].host == h {
		return 0
	}
	return 1
}

func (a *assoc) peer(h *host) port { return a.ends[1-a.end(h)] }

// attempt is an association that is being set up.
type attempt struct {
	id       uint64
	from, to port
	toAddr   netip.Addr
	sides    int
	done     bool
}

// pair is two hosts, the lower one first.
type pair [2]netip.Addr

func pairOf(a, b netip.Addr) pair {
	if b.Less(a) {
		a, b = b, a
	}
	return pair{a, b}
}

// latency is drawn for every message.
func (w *World) latency() time.Duration {
	return w.cfg.Latency/2 + time.Duration(w.rand.Uint64N(uint64(w.cfg.Latency)))
}

func (w *World) reachable(a, b *host) bool {
	return !a.dark && !b.dark && !w.cut[pairOf(a.addr, b.addr)]
}

// connect sets an association up. The result comes to the owner of the host.
func (w *World) connect(h *host, local uint16, id uint64, to netip.Addr, toPort uint16) {
	peer := w.hosts[to]
	at := &attempt{id: id, from: port{h, local}, to: port{peer, toPort}, toAddr: to, sides: h.sides}
	if peer == h {
		w.After(w.latency(), func() { w.refuse(at) })
		return
	}
	w.attempts = append(w.attempts, at)
	w.After(w.latency(), func() { w.arrive(at) })
}

func (w *World) refuse(at *attempt) {
	w.finish(at)
	if at.from.host.up && at.from.host.sides == at.sides {
		at.from.host.owner.failed(at.id, at.from.port)
	}
}

func (w *World) finish(at *attempt) {
	at.done = true
	for i, x := range w.attempts {
		if x == at {
			w.attempts = append(w.attempts[:i], w.attempts[i+1:]...)
			return
		}
	}
}

// arrive is when the request to set an association up arrives at the peer.
func (w *World) arrive(at *attempt) {
	h, peer := at.from.host, at.to.host
	switch {
	case at.done:
	case !h.up || h.sides != at.sides:
		w.finish(at)
	case peer == nil || !w.reachable(h, peer):
		w.After(w.cfg.LossDelay, func() {
			if !at.done {
				w.refuse(at)
			}
		})
	case !peer.up, !peer.owner.listens(at.to.port), w.between(at.from, at.to) != nil:
		w.After(w.latency(), func() { w.refuse(at) })
	default:
		w.finish(at)
		w.lastAssoc++
		a := &assoc{id: w.lastAssoc, ends: [2]port{at.from, at.to}}
		h.open, peer.open = append(h.open, a), append(peer.open, a)
		w.trace(at.from.host.addr, at.to.host.addr, 0, nil)
		// RFC 9260, Section 5.2.1: two who set an association up at the same time get one.
		if other := w.attemptBetween(at.to, at.from); other != nil {
			w.finish(other)
			peer.owner.connected(other.id, at.to.port, a)
		} else {
			peer.owner.accepted(a, at.to.port)
		}
		w.After(w.latency(), func() {
			if h.up && h.sides == at.sides && !a.gone[0] {
				h.owner.connected(at.id, at.from.port, a)
			}
		})
	}
}

func (w *World) between(x, y port) *assoc {
	for _, a := range x.host.open {
		if !a.closed && (a.ends == [2]port{x, y} || a.ends == [2]port{y, x}) {
			return a
		}
	}
	return nil
}

func (w *World) attemptBetween(x, y port) *attempt {
	for _, at := range w.attempts {
		if at.from == x && at.to == y && at.sides == x.host.sides {
			return at
		}
	}
	return nil
}

// send sends a message to the peer of h. The bytes are copied.
func (w *World) send(h *host, a *assoc, ppid uint32, b []byte) {
	from := a.end(h)
	if a.closed || a.gone[from] {
		return
	}
	m := message{ppid, append([]byte(nil), b...)}
	if !w.reachable(h, a.ends[1-from].host) || len(a.stuck[1-from]) > 0 {
		a.stuck[1-from] = append(a.stuck[1-from], m)
		w.watch(a)
		return
	}
	w.deliver(a, 1-from, m)
}

func (w *World) deliver(a *assoc, to int, m message) {
	t := w.now.Add(w.latency())
	if t.Before(a.last[to]) {
		t = a.last[to]
	}
	a.last[to] = t
	sides := a.ends[to].host.sides
	w.At(t, func() {
		h := a.ends[to].host
		if a.gone[to] || !h.up || h.sides != sides {
			if !h.dark && !a.closed {
				// RFC 9260, Section 8.4: what is out of the blue is answered with an ABORT.
				w.close(a)
				w.After(w.latency(), func() { w.tellLost(a, 1-to, engine.LossEnded) })
			}
			return
		}
		w.trace(a.ends[1-to].host.addr, h.addr, m.ppid, m.b)
		h.owner.received(a, m.ppid, m.b)
	})
}

// watch ends an association whose ends do not reach each other for too long.
func (w *World) watch(a *assoc) {
	if a.closed || !a.broken.IsZero() || w.reachable(a.ends[0].host, a.ends[1].host) {
		return
	}
	since := w.now
	a.broken = since
	w.After(w.cfg.LossDelay, func() {
		if !a.closed && a.broken.Equal(since) {
			w.close(a)
			for end := range 2 {
				w.tellLost(a, end, engine.LossSilent)
			}
		}
	})
}

// heal lets what waits in associations go on.
func (w *World) heal(h *host) {
	for _, a := range append([]*assoc(nil), h.open...) {
		if a.closed || a.gone[0] || a.gone[1] || a.broken.IsZero() || !w.reachable(a.ends[0].host, a.ends[1].host) {
			continue
		}
		a.broken = time.Time{}
		for to := range 2 {
			for _, m := range a.stuck[to] {
				w.deliver(a, to, m)
			}
			a.stuck[to] = nil
		}
	}
}

// abort ends an association from the side of h, which knows.
func (w *World) abort(h *host, a *assoc) {
	if a.closed {
		a.gone[a.end(h)] = true
		return
	}
	end := a.end(h)
	a.gone[end] = true
	w.close(a)
	if w.reachable(h, a.ends[1-end].host) {
		t := w.now.Add(w.latency())
		if t.Before(a.last[1-end]) {
			t = a.last[1-end] // behind what was sent before
		}
		w.At(t, func() { w.tellLost(a, 1-end, engine.LossEnded) })
	} else {
		w.After(w.cfg.LossDelay, func() { w.tellLost(a, 1-end, engine.LossSilent) })
	}
}

func (w *World) close(a *assoc) {
	a.closed = true
	for _, e := range a.ends {
		for i, x := range e.host.open {
			if x == a {
				e.host.open = append(e.host.open[:i:i], e.host.open[i+1:]...)
				break
			}
		}
	}
}

func (w *World) tellLost(a *assoc, end int, how engine.Loss) {
	if h := a.ends[end].host; !a.gone[end] {
		a.gone[end] = true
		if h.up {
			h.owner.lost(a, how)
		}
	}
}

// trace sums up what happens.
func (w *World) trace(from, to netip.Addr, ppid uint32, b []byte) {
	var head [24]byte
	binary.BigEndian.PutUint64(head[:], uint64(w.now.Sub(Start)))
	f, t := from.As4(), to.As4()
	copy(head[8:], f[:])
	copy(head[12:], t[:])
	binary.BigEndian.PutUint32(head[16:], ppid)
	w.hash.Write(head[:])
	w.hash.Write(b)
	w.Messages++
}
