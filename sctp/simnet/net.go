// SPDX-License-Identifier: Apache-2.0

package simnet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// A Net is the network in real time, or in that of the synctest bubble it was
// created in. All its methods may be called from any goroutine.
type Net struct {
	*fabric
	hosts []*Host
	owner map[netip.Addr]*Host
	timer *time.Timer // runs pump when the first datagram is due
	due   time.Time   // when timer fires, or the zero value
}

// New returns a network without hosts.
func New(seed uint64) *Net {
	return &Net{fabric: newFabric(seed, time.Now()), owner: make(map[netip.Addr]*Host)}
}

// A Host has addresses, and sockets at them.
type Host struct {
	n     *Net
	name  string
	addrs []netip.Addr

	sockets  map[netip.AddrPort]*socket
	groups   []*socket // those of ListenMulticast
	watchers []*func() // of Watch
	port     uint16    // last ephemeral port given out
}

// Host adds a host with one interface for each address. It panics if another
// host has one of them.
func (n *Net) Host(name string, addrs ...netip.Addr) *Host {
	h := &Host{n: n, name: name, sockets: make(map[netip.AddrPort]*socket), port: firstEphemeral - 1}
	n.mu.Lock()
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	for _, a := range addrs {
		if err := h.AddAddr(a); err != nil {
			panic(err)
		}
	}
	return h
}

// Pair adds two hosts, a and b, with an address on each of count disjoint
// segments: 10.1.0.1 and 10.1.0.2, 10.2.0.1 and 10.2.0.2, and so on.
func (n *Net) Pair(count int) (a, b *Host, segs []*Segment) {
	segs = n.Disjoint(count)
	a, b = n.Host("a"), n.Host("b")
	for _, s := range segs {
		if err := errors.Join(a.AddAddr(s.Addr(1)), b.AddAddr(s.Addr(2))); err != nil {
			panic(err)
		}
	}
	return a, b, segs
}

// Name returns the name given to the host.
func (h *Host) Name() string { return h.name }

// Network returns what the host's sockets come from.
func (h *Host) Network() udpencap.Network { return h }

// AddAddr gives the host another address. It fails if one has it already.
func (h *Host) AddAddr(a netip.Addr) error {
	a = a.Unmap()
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		return fmt.Errorf("simnet: %v is no address for a host", a)
	}
	if o := h.n.owner[a]; o != nil {
		return fmt.Errorf("simnet: host %s has the address %v already", o.name, a)
	}
	h.n.owner[a] = h
	h.addrs = append(h.addrs, a)
	h.tell()
	return nil
}

// RemoveAddr takes an address away. Sockets bound to it stay open, but
// receive nothing more and cannot send.
func (h *Host) RemoveAddr(a netip.Addr) {
	a = a.Unmap()
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.n.owner[a] == h {
		delete(h.n.owner, a)
		h.addrs = slices.DeleteFunc(h.addrs, func(b netip.Addr) bool { return a == b })
		h.tell()
	}
}

// tell tells those who watch.
func (h *Host) tell() {
	for _, w := range h.watchers {
		(*w)()
	}
}

// Watch implements udpencap.Watcher.
func (h *Host) Watch(ctx context.Context, changed func()) error {
	h.n.mu.Lock()
	h.watchers = append(h.watchers, &changed)
	changed()
	h.n.mu.Unlock()
	<-ctx.Done()
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.watchers = slices.DeleteFunc(h.watchers, func(w *func()) bool { return w == &changed })
	return nil
}

// Addrs implements udpencap.Network.
func (h *Host) Addrs() ([]netip.Addr, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return slices.Clone(h.addrs), nil
}

// InterfaceMTU implements udpencap.MTUTeller: the MTU of the address's segment.
func (h *Host) InterfaceMTU(a netip.Addr) int {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return h.n.mtuOf(a)
}

// sendFrom puts a datagram of a socket on the network. The lock is held.
func (n *Net) sendFrom(h *Host, now time.Time, src, dst netip.AddrPort, from netip.Addr, ttl int, data []byte) {
	n.trace.add(now, Send, src, dst, data, "")
	if !dst.Addr().IsMulticast() {
		n.carry(now, src, dst, src.Addr(), dst.Addr(), data, n.owner[dst.Addr()] == h)
		return
	}
	for _, o := range n.hosts {
		if o != h && ttl < 1 {
			continue
		}
		for _, a := range o.addrs {
			if o.hasJoined(dst, a) && n.segment(a) == n.segment(from) {
				n.carry(now, src, dst, from, a, data, o == h)
			}
		}
	}
}

func (h *Host) hasJoined(group netip.AddrPort, a netip.Addr) bool {
	for _, s := range h.groups {
		if s.laddr == group && s.joined(a) {
			return true
		}
	}
	return false
}

// pump delivers what is due and arms the timer for the rest. The lock is held.
func (n *Net) pump(now time.Time) {
	for e := n.next(now); e != nil; e = n.next(now) {
		n.deliver(now, e)
		n.recycle(e.data)
	}
	switch {
	case len(n.pending) == 0:
		n.due = time.Time{}
	case n.due.IsZero() || n.pending[0].at.Before(n.due):
		n.due = n.pending[0].at
		if n.timer == nil {
			n.timer = time.AfterFunc(n.due.Sub(now), n.onTimer)
		} else {
			n.timer.Reset(n.due.Sub(now))
		}
	}
}

func (n *Net) onTimer() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.due = time.Time{}
	n.pump(time.Now())
}

func (n *Net) deliver(now time.Time, e *event) {
	why := "no receiver"
	if h := n.owner[e.to]; h != nil {
		if s := h.sockets[e.dst]; s != nil {
			why = s.arrive(e)
		}
		for _, s := range h.groups {
			if s.laddr == e.dst && s.joined(e.to) {
				why = s.arrive(e)
			}
		}
	}
	kind := Deliver
	if why != "" {
		kind = Drop
	}
	n.trace.add(now, kind, e.src, e.dst, e.data, why)
}
