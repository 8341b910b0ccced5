// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// An EndpointConfig says where an endpoint is; the zero value is the Tester's configuration.
type EndpointConfig struct {
	// Addrs are the addresses. Default: all of the Tester.
	Addrs []netip.Addr
	// Ports are the UDP ports, one per address or one for all; 0 is any free one. Default: that of the Tester.
	Ports []uint16
}

// An Endpoint is a UDP socket at each of some addresses, with any number of associations over them.
type Endpoint struct {
	r       *Tester
	sockets []udpencap.Socket
	assocs  []*Assoc
	// Strays are packets that belong to no association.
	Strays []*Packet
}

// Endpoint opens one. That it cannot makes the case inconclusive.
func (r *Tester) Endpoint(cfg EndpointConfig) *Endpoint {
	e := &Endpoint{r: r}
	addrs := cfg.Addrs
	if addrs == nil {
		addrs = r.cfg.Addrs
	}
	r.endpoints = append(r.endpoints, e)
	for i, a := range addrs {
		port := r.cfg.Port
		switch {
		case i < len(cfg.Ports):
			port = cfg.Ports[i]
		case len(cfg.Ports) == 1:
			port = cfg.Ports[0]
		case port == 0 && i > 0:
			// One port at all addresses, as the peer will expect.
			port = e.sockets[0].LocalAddr().Port()
		}
		s, err := r.cfg.Network.Listen(r.ctx, netip.AddrPortFrom(a, port))
		if err != nil {
			r.cfg.Judge.Inconclusive("no socket at %v, UDP port %d: %v", a, port, err)
		}
		e.sockets = append(e.sockets, s)
		r.wg.Go(func() { e.read(i, s) })
	}
	return e
}

// Tester is what the endpoint belongs to.
func (e *Endpoint) Tester() *Tester { return e.r }

// Addr is address and UDP port number i. If the tester has not so many, the case is skipped.
func (e *Endpoint) Addr(i int) netip.AddrPort {
	if i >= len(e.sockets) {
		e.r.cfg.Judge.Skip(fmt.Sprintf("addr%d", i+1), fmt.Sprintf("the tester has %d addresses", len(e.sockets)))
	}
	return e.sockets[i].LocalAddr()
}

// Addrs are all addresses.
func (e *Endpoint) Addrs() (addrs []netip.Addr) {
	for _, s := range e.sockets {
		addrs = append(addrs, s.LocalAddr().Addr())
	}
	return addrs
}

// Close closes the sockets: the endpoint has vanished without a word.
func (e *Endpoint) Close() { e.close() }

func (e *Endpoint) close() {
	for _, s := range e.sockets {
		s.Close()
	}
}

func (e *Endpoint) read(local int, s udpencap.Socket) {
	dgs := make([]udpencap.Datagram, 8)
	for i := range dgs {
		dgs[i].Data = make([]byte, udpencap.MaxBatchBytes)
	}
	for {
		n, err := s.ReadBatch(dgs)
		if err != nil {
			return
		}
		now := time.Now()
		for i := range dgs[:n] {
			d := &dgs[i]
			size := d.SegmentSize
			if size == 0 {
				size = max(len(d.Data), 1)
			}
			for b := range slices.Chunk(d.Data, size) {
				p := &Packet{Time: now, Endpoint: e, Local: local, In: true, Src: d.Src, Dst: s.LocalAddr(), Data: slices.Clone(b)}
				p.decode()
				e.r.inbox <- p
			}
			d.Data = d.Data[:cap(d.Data)]
		}
	}
}

// Remote is address i of the system under test and its UDP port.
func (e *Endpoint) Remote(i int) netip.AddrPort {
	return netip.AddrPortFrom(e.r.cfg.Remote[i], e.r.cfg.RemotePort)
}

// SendRaw sends the bytes as they are from address local.
func (e *Endpoint) SendRaw(local int, to netip.AddrPort, data []byte) {
	src := e.Addr(local)
	s := e.sockets[local]
	p := &Packet{Time: time.Now(), Endpoint: e, Local: local, Src: src, Dst: to, Data: data}
	p.decode()
	e.r.record = append(e.r.record, p)
	if _, err := s.WriteBatch([]udpencap.Datagram{{Data: data, Dst: to, MayFragment: true}}); err != nil {
		e.r.Note("could not be sent: %v", err)
	}
}

// handle takes a packet in: into the record, and to its association.
func (e *Endpoint) handle(p *Packet) {
	e.r.record = append(e.r.record, p)
	if a := e.find(p); a != nil {
		a.handle(p)
		return
	}
	e.Strays = append(e.Strays, p)
}

// find returns the association of a packet: that with its ports and tag, or else the latest with its ports, or the first
// that waits for an INIT to its port.
func (e *Endpoint) find(p *Packet) *Assoc {
	if len(p.Data) < wire.HeaderLen {
		return nil
	}
	var found *Assoc
	for _, a := range slices.Backward(e.assocs) {
		if a.Port != p.Header.DstPort || a.PeerPort != p.Header.SrcPort || a.Forgotten {
			continue
		}
		if p.Header.Tag == a.Tag {
			return a
		}
		if found == nil {
			found = a
		}
	}
	if found != nil {
		return found
	}
	for _, a := range e.assocs {
		if a.Port == p.Header.DstPort && a.PeerPort == 0 && p.Has(wire.ChunkInit) != nil {
			return a
		}
	}
	return nil
}

// Relisten makes associations that have got an INIT but are not established wait for one again: it came from a system under
// test that is no more. A new one that has been faster sends its INIT again.
func (r *Tester) Relisten() {
	for _, e := range r.endpoints {
		for _, a := range e.assocs {
			if a.listening && !a.Up && a.PeerPort != 0 {
				a.PeerPort, a.PeerTag, a.unread = 0, 0, nil
				a.rcv = receiver{}
				a.rcv.init()
			}
		}
	}
}
