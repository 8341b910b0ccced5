// SPDX-License-Identifier: Apache-2.0

package assoctest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

// maxPacket is the size of the buffer for packets: no UDP payload is larger.
const maxPacket = udpencap.MaxBatchBytes

// maxSpins is how many timeouts one association may have at one instant. More
// mean that its deadline does not move.
const maxSpins = 100

// A Host is a stack and its associations at addresses of a network.
type Host struct {
	Name  string
	Sim   *simnet.Sim
	Stack *assoc.Stack

	// OnAccept is called for each association a peer has set up, before its
	// first event.
	OnAccept func(*Conn)
	// Output sends a packet in place of Sim, if set. A *udpencap.MTUError is told to
	// the association.
	Output func(t assoc.Transmit, data []byte) error

	addrs   []netip.AddrPort
	leaving []netip.AddrPort // removed, but not gone: the stack answers from there
	conns   []*Conn
	batch   []assoc.Datagram
	touched []*Conn
	buf     []byte
	errs    []error
}

// NewHost puts a host at addrs, whose stack takes chance from seed.
func NewHost(sim *simnet.Sim, name string, cfg assoc.Config, seed uint64, addrs ...netip.AddrPort) (*Host, error) {
	h := &Host{Name: name, Sim: sim, addrs: addrs, buf: make([]byte, maxPacket)}
	for _, a := range addrs {
		sim.Handle(a.Addr(), h.arrive)
	}
	return h, h.Restart(cfg, seed)
}

// Restart replaces the stack by a new one, as if the host had crashed: its
// associations are forgotten, and nobody is told.
func (h *Host) Restart(cfg assoc.Config, seed uint64) error {
	for _, c := range h.conns {
		c.forget()
	}
	h.conns, h.batch, h.touched = nil, nil, nil
	s, err := assoc.NewStack(cfg, rand.New(rand.NewPCG(seed, 0x686f7374)))
	if err != nil {
		return err
	}
	s.SetLocalAddrs(h.addrs)
	h.Stack = s
	return nil
}

// Addrs returns the addresses of the host.
func (h *Host) Addrs() []netip.AddrPort { return h.addrs }

// Conns returns the associations which are not closed, oldest first.
func (h *Host) Conns() []*Conn { return h.conns }

// Associate sets up an association to the SCTP port at the addresses of peer.
func (h *Host) Associate(p assoc.AssociateParams) (*Conn, error) {
	a, err := h.Stack.Associate(h.Sim.Now(), p)
	if err != nil {
		return nil, err
	}
	c := h.adopt(a)
	c.pump()
	return c, nil
}

// Err returns what went against the contract of the engine, or nil.
func (h *Host) Err() error { return errors.Join(h.errs...) }

func (h *Host) errorf(format string, args ...any) {
	if len(h.errs) < 10 {
		at := time.Duration(0)
		if next := h.Sim.Now(); !next.IsZero() {
			at = time.Duration(next.UnixNano())
		}
		h.errs = append(h.errs, fmt.Errorf("%s at %v: %s", h.Name, at, fmt.Sprintf(format, args...)))
	}
}

func (h *Host) adopt(a *assoc.Association) *Conn {
	c := &Conn{Host: h, Assoc: a}
	h.conns = append(h.conns, c)
	return c
}

func (h *Host) conn(a *assoc.Association) *Conn {
	for _, c := range h.conns {
		if c.Assoc == a {
			return c
		}
	}
	return nil
}

// arrive collects the datagrams of one instant.
func (h *Host) arrive(src, dst netip.AddrPort, data []byte) {
	if !slices.Contains(h.addrs, dst) && !slices.Contains(h.leaving, dst) {
		return // it has gone
	}
	if len(h.batch) == 0 {
		h.Sim.After(0, h.flush)
	}
	h.batch = append(h.batch, assoc.Datagram{Local: dst, Remote: src, Data: slices.Clone(data), CE: h.Sim.ECN() == udpencap.ECNCE})
}

func (h *Host) flush() {
	batch := h.batch
	h.batch = nil
	h.Input(batch...)
}

// Input hands a batch of datagrams to the stack.
func (h *Host) Input(batch ...assoc.Datagram) {
	now := h.Sim.Now()
	h.touched = h.touched[:0]
	for _, d := range batch {
		a, isNew := h.Stack.Route(now, d)
		h.reply()
		if a == nil {
			if isNew {
				h.errorf("Route: a new association, but which")
			}
			continue
		}
		c := h.conn(a)
		switch {
		case isNew && c != nil:
			h.errorf("Route: association %d is not new", a.ID())
		case isNew:
			c = h.adopt(a)
			if h.OnAccept != nil {
				h.OnAccept(c)
			}
		case c == nil:
			h.errorf("Route: association %d is not known or was closed", a.ID())
			continue
		}
		a.HandlePacket(now, d)
		c.sync()
		if !slices.Contains(h.touched, c) {
			h.touched = append(h.touched, c)
		}
	}
	for _, c := range slices.Clone(h.touched) {
		c.Assoc.EndBatch(now)
		c.pump()
	}
}

// reply sends the stack's own answers.
func (h *Host) reply() {
	for {
		t, ok := h.Stack.PollReply(h.buf)
		if !ok {
			return
		}
		_ = h.sendFrom(t, slices.Concat(h.addrs, h.leaving))
	}
}

func (h *Host) send(t assoc.Transmit) error {
	if t.Len > 0 && t.Len <= len(h.buf) && answersAsconf(h.buf[:t.Len]) {
		return h.sendFrom(t, slices.Concat(h.addrs, h.leaving))
	}
	return h.sendFrom(t, h.addrs)
}

func (h *Host) sendFrom(t assoc.Transmit, addrs []netip.AddrPort) error {
	if t.Len <= 0 || t.Len > len(h.buf) {
		h.errorf("packet of %d bytes", t.Len)
		return nil
	}
	if t.Len%4 != 0 {
		h.errorf("packet of %d bytes is not padded", t.Len)
	}
	if !t.Remote.IsValid() {
		h.errorf("packet without a destination")
		return nil
	}
	if !t.Local.IsValid() {
		t.Local = h.source(t.Remote.Addr())
	}
	if !slices.Contains(addrs, t.Local) {
		h.errorf("packet from %v, which is not an address of the host", t.Local)
		return nil
	}
	if t.Oversize && h.Output == nil {
		h.Sim.SendFragments(t.Local, t.Remote, h.buf[:t.Len])
		return nil
	}
	if h.Output == nil && t.ECT {
		return h.Sim.SendECN(t.Local, t.Remote, h.buf[:t.Len], udpencap.ECNECT0)
	}
	if h.Output == nil {
		return h.Sim.Send(t.Local, t.Remote, h.buf[:t.Len])
	}
	return h.Output(t, h.buf[:t.Len])
}

// source chooses among the local addresses as a routing table would: the one
// on the segment of the destination.
func (h *Host) source(dst netip.Addr) netip.AddrPort {
	for _, a := range h.addrs {
		if p, err := a.Addr().Prefix(24); err == nil && p.Contains(dst) {
			return a
		}
	}
	for _, a := range h.addrs {
		if a.Addr().Is4() == dst.Is4() {
			return a
		}
	}
	return netip.AddrPort{}
}
