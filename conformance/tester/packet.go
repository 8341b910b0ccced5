// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Packet is one that was sent or received.
type Packet struct {
	Time     time.Time
	Endpoint *Endpoint
	Local    int  // index of the tester's address
	In       bool // from the system under test
	Src, Dst netip.AddrPort
	Data     []byte

	// What follows is decoded from Data. Err says what could not be.
	Header wire.Header
	Chunks []*Chunk
	Err    error
}

// A Chunk is one of a received packet.
type Chunk struct {
	wire.Chunk
	Packet *Packet
	Index  int // in Packet.Chunks
}

// decode fills in what Data says.
func (p *Packet) decode() {
	if p.Header, p.Err = wire.ParseHeader(p.Data); p.Err != nil {
		return
	}
	if !wire.ChecksumOK(p.Data) {
		p.Err = fmt.Errorf("wrong checksum %#08x, want %#08x", p.Header.Checksum, wire.Checksum(p.Data))
		return
	}
	for c, err := range wire.Chunks(p.Data[wire.HeaderLen:]) {
		if err != nil {
			p.Err = err
			return
		}
		p.Chunks = append(p.Chunks, &Chunk{c, p, len(p.Chunks)})
	}
}

// Has returns the first chunk of a type, or nil.
func (p *Packet) Has(t wire.ChunkType) *Chunk {
	for _, c := range p.Chunks {
		if c.Type == t {
			return c
		}
	}
	return nil
}

// String is a line of the transcript without its time.
func (p *Packet) String() string {
	dir := "T > S"
	if p.In {
		dir = "S > T"
	}
	s := fmt.Sprintf("%s %v > %v %s", dir, p.Src, p.Dst, wire.Dump(p.Data))
	if p.Err != nil {
		s += " [" + p.Err.Error() + "]"
	}
	return s
}

// at is the time of a packet since the beginning of the record.
func (r *Tester) at(p *Packet) string { return fmt.Sprintf("%.3f s", p.Time.Sub(r.start).Seconds()) }
