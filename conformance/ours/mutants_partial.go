// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// partialMutants break what partial reliability (RFC 3758) does to messages that are not complete, or not sent yet.
var partialMutants = []Mutant{
	{Name: "FORWARD TSN is acknowledged, and nothing is removed", Caught: []string{"3758/3.6/8"},
		New: func() Middlebox {
			var f wire.ForwardTSN
			return inbound(func(p *Pkt, tags [2]uint32, answer func(uint32, ...[]byte)) []*Pkt {
				for _, c := range p.Chunks {
					if c.Type == wire.ChunkForwardTSN && wire.ParseForwardTSN(c, &f) == nil {
						sack := wire.Sack{CumTSNAck: f.NewCumTSN, ARwnd: 65535}
						answer(tags[1], sack.Append(nil))
						return nil
					}
				}
				return Only(p)
			})()
		}},
	{Name: "FORWARD TSN moves the cumulative point as far as it says", Caught: []string{"3758/3.6/2"},
		New: func() Middlebox {
			var to wire.TSN
			m := sacks(func(s *wire.Sack) bool {
				if to != 0 && to.Less(s.CumTSNAck) {
					*s = wire.Sack{CumTSNAck: to, ARwnd: s.ARwnd, Gaps: []wire.GapAckBlock{{Start: 1, End: uint16(s.CumTSNAck.Diff(to))}}}
				}
				return true
			})()
			m.In = forwards(arriving, func(f *wire.ForwardTSN) { to = f.NewCumTSN })().In
			return m
		}},
	{Name: "FORWARD TSN skips one TSN more", Caught: []string{"3758/3.5/1"}, New: forwards(outbound, func(f *wire.ForwardTSN) { f.NewCumTSN++ })},
	{Name: "FORWARD TSN has the sequence numbers before", Caught: []string{"3758/3.5/2"},
		New: forwards(outbound, func(f *wire.ForwardTSN) {
			for i := range f.Streams {
				f.Streams[i].SSN--
			}
		})},
	{Name: "FORWARD TSN names a stream once for each message", Caught: []string{"3758/3.5/6"},
		New: forwards(outbound, func(f *wire.ForwardTSN) {
			for _, s := range f.Streams {
				s.SSN--
				f.Streams = append(f.Streams, s)
			}
		})},
	{Name: "a message that has expired is sent after the next one", Caught: []string{"3758/4.1/1"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if d := dataIn(p); len(d) > 0 && d[0].Stream == 1 {
				d[0].Stream, d[0].TSN = 2, d[0].TSN+1
				return []*Pkt{p, p.With(d[0].Append(nil))}
			}
			return Only(p)
		})},
	{Name: "a message that expires before it is sent takes a TSN", Caught: []string{"3758/4.1/1"},
		New: datas(func(d *wire.Data) {
			if d.Stream == 1 {
				d.TSN++
			}
		})},
	{Name: "a message that has expired is sent if it was not sent yet", Caught: []string{"3758/4.1/1"},
		New: datas(func(d *wire.Data) {
			if d.Stream == 1 {
				d.Stream = 2
			}
		})},
}
