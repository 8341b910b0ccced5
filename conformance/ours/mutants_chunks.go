// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// chunkMutants break what DATA and SACK chunks say, and what is read of INIT.
var chunkMutants = []Mutant{
	{
		Name:   "only the first fragment has U bit, Stream Sequence Number and Payload Protocol Identifier",
		Caught: []string{"9260/3.3.1/4", "9260/3.3.1/6", "9260/3.3.1/7"},
		New: outgoingData(func(d *wire.Data) {
			if d.Flags&wire.DataBegin == 0 {
				d.Flags &^= wire.DataUnordered
				d.SSN, d.PPID = d.SSN+1, 0
			}
		}),
	},
	{
		Name:   "the E bit is never set",
		Caught: []string{"9260/3.3.1/9"},
		New:    outgoingData(func(d *wire.Data) { d.Flags &^= wire.DataEnd }),
	},
	{
		Name:   "every second TSN is left out",
		Caught: []string{"9260/3.3.1/11"},
		New:    outgoingData(func(d *wire.Data) { d.TSN *= 2 }),
	},
	{
		Name:   "messages of two streams are mixed",
		Caught: []string{"9260/3.3.1/10"},
		New: outgoingData(func(d *wire.Data) {
			if d.Flags&(wire.DataBegin|wire.DataEnd) == 0 {
				d.Stream ^= 1
			}
		}),
	},
	{
		Name:   "unordered messages are put in order",
		Caught: []string{"9260/3.3.1/2", "9260/3.3.1/3"},
		New:    incomingData(func(d *wire.Data) { d.Flags &^= wire.DataUnordered; d.SSN = max(d.SSN, 2) }),
	},
	{
		Name:   "DATA is sent on any stream",
		Caught: []string{"9260/5.1.1/1", "9260/5.1.1/2"},
		New:    outgoingData(func(d *wire.Data) { d.Stream = 5 }),
	},
	{
		Name:   "INIT with flags, or with its padding counted, is not taken",
		Caught: []string{"9260/3.2/8", "9260/3.3.2/15"},
		New: incoming(func(p *Pkt) *Pkt {
			for _, c := range p.Chunks {
				if in, ok := initIn(p, wire.ChunkInit); ok && (c.Flags != 0 || len(in.Params)%4 == 0 && len(in.Params) > 0 && in.Params[len(in.Params)-1] == 0) {
					return nil
				}
			}
			return p
		}),
	},
	{
		Name:   "INIT ACK has no tag",
		Caught: []string{"9260/5.1/1", "9260/5.2.2/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkInitAck) {
				p.Header.Tag, p.Raw = 0, nil
			}
			return Only(p)
		}),
	},
	{
		Name:   "Gap Ack Blocks touch each other",
		Caught: []string{"9260/3.3.4/1", "9260/3.3.4/2"},
		New: outgoingSack(func(s *wire.Sack) {
			for i, g := range s.Gaps {
				if g.End > g.Start {
					s.Gaps[i].End--
					s.Gaps = append(s.Gaps, wire.GapAckBlock{Start: g.End, End: g.End})
				}
			}
		}),
	},
	{
		Name:   "Cumulative TSN Ack is one too low",
		Caught: []string{"9260/3.3.4/3", "9260/3.3.1/5", "9260/5.1/11"},
		New:    outgoingSack(func(s *wire.Sack) { s.CumTSNAck-- }),
	},
	{
		Name:   "duplicates are listed once",
		Caught: []string{"9260/3.3.4/4"},
		New:    outgoingSack(func(s *wire.Sack) { s.Dups = s.Dups[:min(len(s.Dups), 1)] }),
	},
	{
		Name:   "duplicates are listed for ever",
		Caught: []string{"9260/3.3.4/5"},
		New: func() Middlebox {
			var dups []wire.TSN
			return outgoingSack(func(s *wire.Sack) {
				dups = append(dups, s.Dups...)
				s.Dups = dups
			})()
		},
	},
}

// outgoingData is a middlebox that changes the DATA that S sends.
func outgoingData(change func(*wire.Data)) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt { return Only(changeData(p, change)) })
}

// incomingData is one that changes the DATA that S gets.
func incomingData(change func(*wire.Data)) func() Middlebox {
	return incoming(func(p *Pkt) *Pkt { return changeData(p, change) })
}

func changeData(p *Pkt, change func(*wire.Data)) *Pkt {
	if !p.Has(wire.ChunkData) {
		return p
	}
	return p.Map(func(c wire.Chunk) []byte {
		d, err := wire.ParseData(c)
		if err != nil {
			return Same(c)
		}
		change(&d)
		return d.Append(nil)
	})
}

// outgoingSack is one that changes the SACKs that S sends.
func outgoingSack(change func(*wire.Sack)) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt {
		if !p.Has(wire.ChunkSack) {
			return Only(p)
		}
		return Only(p.Map(func(c wire.Chunk) []byte {
			var s wire.Sack
			if wire.ParseSack(c, &s) != nil {
				return Same(c)
			}
			change(&s)
			return s.Append(nil)
		}))
	})
}
