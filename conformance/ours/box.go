// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// A Mutant is a middlebox between a good system under test and the network that makes it look broken in one way. It sees
// whole packets, and works in both directions.
type Mutant struct {
	// Name says what is broken.
	Name string
	// Caught are the cases that must fail, one at least.
	Caught []string
	// New makes the middlebox of one system, with its state.
	New func() Middlebox
}

// A Middlebox changes the packets of a system under test. A nil function changes nothing. They are called one at a time.
type Middlebox struct {
	// Out is given a packet that S sends, and returns what goes out instead.
	Out func(p *Pkt) []*Pkt
	// In is given one that arrives at S, and returns what S gets instead. It may answer in place of S by back.
	In func(p *Pkt, back func(*Pkt)) []*Pkt
	// Mend is given the bytes of every packet that arrives, good or bad, before In, and returns what counts instead; nil
	// drops it. The checksum of that is put right.
	Mend func(b []byte) []byte
	// Announce is given a datagram that S sends and that is no SCTP packet, and returns what goes out instead; nil is nothing.
	Announce func(b []byte) []byte
	// TCP is given what S writes to a TCP connection, and returns what goes out instead.
	TCP func(b []byte) []byte
}

// A Pkt is a packet taken apart. Checksums are put right when it goes on.
type Pkt struct {
	Header wire.Header
	Chunks []wire.Chunk
	// Remote is where it goes to or comes from.
	Remote netip.AddrPort
	// Local is where S sends it from: an address of its host, and any UDP port. It is not set in what arrives.
	Local netip.AddrPort
	// Delay is how much later it goes out.
	Delay time.Duration
	// Raw is the packet as it came; it goes on as it is if it could not be taken apart, or has not been changed.
	Raw []byte
	// Sum, if set, is sent instead of the CRC32c.
	Sum *uint32
	// Tail is appended after the last chunk.
	Tail []byte
}

// Clone copies the packet, not the bytes of its chunks.
func (p *Pkt) Clone() *Pkt {
	q := *p
	q.Chunks = slices.Clone(p.Chunks)
	return &q
}

// Has reports whether there is a chunk of the type.
func (p *Pkt) Has(t wire.ChunkType) bool {
	return slices.ContainsFunc(p.Chunks, func(c wire.Chunk) bool { return c.Type == t })
}

// With returns a copy with these chunks, encoded one by one.
func (p *Pkt) With(chunks ...[]byte) *Pkt {
	q := *p
	q.Chunks, q.Raw = nil, nil
	for _, b := range chunks {
		c, _, err := wire.NextChunk(b)
		if err == nil {
			q.Chunks = append(q.Chunks, c)
		}
	}
	return &q
}

// Without returns a copy without the chunks of a type; nil if no chunk is left.
func (p *Pkt) Without(t wire.ChunkType) *Pkt {
	if !p.Has(t) {
		return p
	}
	q := p.Clone()
	q.Raw = nil
	q.Chunks = slices.DeleteFunc(q.Chunks, func(c wire.Chunk) bool { return c.Type == t })
	if len(q.Chunks) == 0 {
		return nil
	}
	return q
}

// Map returns a copy in which f has changed each chunk: nil drops it.
func (p *Pkt) Map(f func(wire.Chunk) []byte) *Pkt {
	q := *p
	q.Chunks, q.Raw = nil, nil
	for _, c := range p.Chunks {
		b := f(c)
		if b == nil {
			continue
		}
		if d, _, err := wire.NextChunk(b); err == nil {
			q.Chunks = append(q.Chunks, d)
		}
	}
	if len(q.Chunks) == 0 {
		return nil
	}
	return &q
}

// Same returns the chunk as it is, for Map.
func Same(c wire.Chunk) []byte {
	return wire.AppendChunk(nil, c.Type, c.Flags, c.Value)
}

// Only is the usual answer of a middlebox: one packet, or none if it is nil.
func Only(p *Pkt) []*Pkt {
	if p == nil {
		return nil
	}
	return []*Pkt{p}
}

func parsePkt(b []byte, remote netip.AddrPort) *Pkt {
	p := &Pkt{Raw: slices.Clone(b), Remote: remote}
	var err error
	if p.Header, err = wire.ParseHeader(p.Raw); err != nil || !wire.ChecksumOK(p.Raw) {
		return p
	}
	for c, err := range wire.Chunks(p.Raw[wire.HeaderLen:]) {
		if err != nil {
			return &Pkt{Raw: p.Raw, Remote: remote, Header: p.Header}
		}
		p.Chunks = append(p.Chunks, c)
	}
	return p
}

func (p *Pkt) bytes() []byte {
	if p.Raw != nil {
		return p.Raw
	}
	b := p.Header.Append(nil)
	for _, c := range p.Chunks {
		b = append(b, c.Raw...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	b = append(b, p.Tail...)
	wire.SetChecksum(b)
	if p.Sum != nil {
		s := *p.Sum
		b[8], b[9], b[10], b[11] = byte(s), byte(s>>8), byte(s>>16), byte(s>>24)
	}
	return b
}

// box is a Network whose sockets go through a Middlebox.
type box struct {
	udpencap.Network
	mu      sync.Mutex
	m       Middlebox
	sockets map[netip.AddrPort]udpencap.Socket
}

func newBox(n udpencap.Network, m Middlebox) udpencap.Network {
	return &box{Network: n, m: m, sockets: map[netip.AddrPort]udpencap.Socket{}}
}

// Listen implements udpencap.Network.
func (b *box) Listen(ctx context.Context, laddr netip.AddrPort) (udpencap.Socket, error) {
	s, err := b.Network.Listen(ctx, laddr)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sockets[s.LocalAddr()] = s
	return &boxSocket{Socket: s, box: b}, nil
}

// from is the socket of a local address; S may have none there.
func (b *box) from(local netip.AddrPort) (udpencap.Socket, error) {
	if s := b.sockets[local]; s != nil {
		return s, nil
	}
	s, err := b.Network.Listen(context.Background(), local)
	if err == nil {
		b.sockets[local] = s
	}
	return s, err
}

type boxSocket struct {
	udpencap.Socket
	box     *box
	waiting []udpencap.Datagram // for ReadBatch; guarded by box.mu
}

// ReadBatch implements udpencap.Socket.
func (s *boxSocket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	for {
		s.box.mu.Lock()
		if n := min(len(dgs), len(s.waiting)); n > 0 {
			for i, d := range s.waiting[:n] {
				dgs[i].Data = append(dgs[i].Data[:0], d.Data...)
				dgs[i].Src, dgs[i].SegmentSize, dgs[i].ECN = d.Src, 0, d.ECN
			}
			s.waiting = slices.Clone(s.waiting[n:])
			s.box.mu.Unlock()
			return n, nil
		}
		s.box.mu.Unlock()
		in := make([]udpencap.Datagram, 16)
		for i := range in {
			in[i].Data = make([]byte, udpencap.MaxBatchBytes)
		}
		n, err := s.Socket.ReadBatch(in)
		if err != nil {
			return 0, err
		}
		var back []udpencap.Datagram
		s.box.mu.Lock()
		for _, d := range in[:n] {
			for _, b := range segments(d) {
				if b = s.box.mended(b); b == nil {
					continue
				}
				p := parsePkt(b, d.Src)
				out := []*Pkt{p}
				if s.box.m.In != nil && len(p.Chunks) > 0 {
					out = s.box.m.In(p, func(q *Pkt) { back = append(back, udpencap.Datagram{Data: q.bytes(), Dst: q.Remote}) })
				}
				for _, q := range out {
					s.waiting = append(s.waiting, udpencap.Datagram{Data: q.bytes(), Src: q.Remote, ECN: d.ECN})
				}
			}
		}
		s.box.mu.Unlock()
		if len(back) > 0 {
			_, _ = s.Socket.WriteBatch(back)
		}
	}
}

// mended is what Mend makes of a packet.
func (b *box) mended(p []byte) []byte {
	if b.m.Mend == nil || len(p) < wire.HeaderLen {
		return p
	}
	p = b.m.Mend(slices.Clone(p))
	if p != nil {
		wire.SetChecksum(p)
	}
	return p
}

// WriteBatch implements udpencap.Socket.
func (s *boxSocket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	for i, d := range dgs {
		for _, q := range s.box.out(d, s.LocalAddr()) {
			if err := s.box.send(q, d.ECN); err != nil {
				return i, err
			}
		}
	}
	return len(dgs), nil
}

// out is what goes out instead of a datagram of S.
func (b *box) out(d udpencap.Datagram, local netip.AddrPort) (out []*Pkt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, data := range segments(d) {
		p := parsePkt(data, d.Dst)
		p.Local = local
		switch {
		case len(p.Chunks) == 0 && b.m.Announce != nil:
			if p.Raw = b.m.Announce(p.Raw); p.Raw != nil {
				out = append(out, p)
			}
		case len(p.Chunks) > 0 && b.m.Out != nil:
			out = append(out, b.m.Out(p)...)
		default:
			out = append(out, p)
		}
	}
	return out
}

// send sends a packet when it is due.
func (b *box) send(p *Pkt, ecn udpencap.ECN) error {
	b.mu.Lock()
	s, err := b.from(p.Local)
	b.mu.Unlock()
	if err != nil {
		return err
	}
	out := []udpencap.Datagram{{Data: p.bytes(), Dst: p.Remote, MayFragment: true, ECN: ecn}}
	if p.Delay > 0 {
		time.AfterFunc(p.Delay, func() { _, _ = s.WriteBatch(out) })
		return nil
	}
	_, err = s.WriteBatch(out)
	return err
}

func segments(d udpencap.Datagram) (all [][]byte) {
	size := d.SegmentSize
	if size == 0 {
		return [][]byte{d.Data}
	}
	for b := range slices.Chunk(d.Data, size) {
		all = append(all, b)
	}
	return all
}
