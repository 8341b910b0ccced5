// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// outbound is a middlebox that changes the chunks of a type that S sends. nil drops one.
func outbound(t wire.ChunkType, f func(wire.Chunk) []byte) func() Middlebox {
	return func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if !p.Has(t) {
				return Only(p)
			}
			return Only(p.Map(func(c wire.Chunk) []byte {
				if c.Type != t {
					return Same(c)
				}
				return f(c)
			}))
		}}
	}
}

// sacks is outbound for SACKs.
func sacks(f func(s *wire.Sack) bool) func() Middlebox {
	return outbound(wire.ChunkSack, func(c wire.Chunk) []byte {
		var s wire.Sack
		if wire.ParseSack(c, &s) != nil || !f(&s) {
			return nil
		}
		return s.Append(nil)
	})
}

// sacksIn is a middlebox that changes the SACKs that S receives. highest is the highest TSN that S has sent.
func sacksIn(f func(s *wire.Sack, highest wire.TSN) bool) func() Middlebox {
	return func() Middlebox {
		var highest wire.TSN
		begun := false
		return Middlebox{
			Out: func(p *Pkt) []*Pkt {
				for _, d := range dataIn(p) {
					if !begun || highest.Less(d.TSN) {
						begun, highest = true, d.TSN
					}
				}
				return Only(p)
			},
			In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if !p.Has(wire.ChunkSack) {
					return Only(p)
				}
				return Only(p.Map(func(c wire.Chunk) []byte {
					var s wire.Sack
					if c.Type != wire.ChunkSack || wire.ParseSack(c, &s) != nil {
						return Same(c)
					}
					if !f(&s, highest) {
						return nil
					}
					return s.Append(nil)
				}))
			},
		}
	}
}

// datas is outbound for DATA.
func datas(f func(d *wire.Data)) func() Middlebox {
	return outbound(wire.ChunkData, func(c wire.Chunk) []byte {
		d, err := wire.ParseData(c)
		if err != nil {
			return nil
		}
		f(&d)
		return d.Append(nil)
	})
}

// dataIn are the DATA chunks of a packet.
func dataIn(p *Pkt) (all []wire.Data) {
	for _, c := range p.Chunks {
		if d, err := wire.ParseData(c); c.Type == wire.ChunkData && err == nil {
			all = append(all, d)
		}
	}
	return all
}

// repeated tells retransmissions: packets whose first TSN was there before. f is given them with the packets of all DATA.
func repeated(f func(p *Pkt, all []*Pkt) []*Pkt) func() Middlebox {
	return func() Middlebox {
		seen := map[wire.TSN]bool{}
		var all []*Pkt
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			d := dataIn(p)
			if len(d) == 0 {
				return Only(p)
			}
			again := seen[d[0].TSN]
			for _, x := range d {
				seen[x.TSN] = true
			}
			if again {
				return f(p, all)
			}
			all = append(all, p)
			return Only(p)
		}}
	}
}

// towards sends packets with a type of chunk to another of T's addresses, if pick says so. n counts those packets.
func towards(t wire.ChunkType, pick func(n int) bool) func() Middlebox {
	return func() Middlebox {
		n := 0
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(t) {
				if n++; pick(n) {
					other := testerAddrs[0]
					if p.Remote.Addr() == other {
						other = testerAddrs[1]
					}
					p.Remote = addrPort(other, p.Remote.Port())
				}
			}
			return Only(p)
		}}
	}
}

// transferMutants break the rules of RFC 9260, Sections 6 and 7.
var transferMutants = []Mutant{
	{Name: "a closed window is taken for an open one", Caught: []string{"9260/6.1/1", "9260/6.1/3"},
		New: sacksIn(func(s *wire.Sack, _ wire.TSN) bool { s.ARwnd = max(s.ARwnd, 128<<10); return true })},
	{Name: "a closed window is not probed", Caught: []string{"9260/6.1/2", "9260/6.1/4", "9260/6.1/5"},
		New: func() Middlebox {
			closed := false
			return Middlebox{
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					for _, c := range p.Chunks {
						var s wire.Sack
						if c.Type == wire.ChunkSack && wire.ParseSack(c, &s) == nil {
							closed = s.ARwnd == 0
						}
					}
					return Only(p)
				},
				Out: func(p *Pkt) []*Pkt {
					if closed {
						return Only(p.Without(wire.ChunkData))
					}
					return Only(p)
				},
			}
		}},
	{Name: "Gap Ack Blocks are not looked at", Caught: []string{"9260/7.2.4/2"},
		New: sacksIn(func(s *wire.Sack, _ wire.TSN) bool { s.Gaps = nil; return true })},
	{Name: "new data goes before what is missing", Caught: []string{"9260/6.1/6"},
		New: repeated(func(p *Pkt, _ []*Pkt) []*Pkt {
			return []*Pkt{p.Map(func(c wire.Chunk) []byte {
				d, err := wire.ParseData(c)
				if c.Type != wire.ChunkData || err != nil {
					return Same(c)
				}
				d.TSN += 1000
				return d.Append(nil)
			}), p}
		})},
	{Name: "the first report of a missing TSN makes for a fast retransmission", Caught: []string{"9260/7.2.4/1", "9260/7.2.4/3"},
		New: func() Middlebox {
			sent := map[wire.TSN]*Pkt{}
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					for _, d := range dataIn(p) {
						sent[d.TSN] = p
					}
					return Only(p)
				},
				In: func(p *Pkt, back func(*Pkt)) []*Pkt {
					for _, c := range p.Chunks {
						var s wire.Sack
						if c.Type == wire.ChunkSack && wire.ParseSack(c, &s) == nil && len(s.Gaps) > 0 && sent[s.CumTSNAck+1] != nil {
							back(sent[s.CumTSNAck+1])
						}
					}
					return Only(p)
				},
			}
		}},
	{Name: "a SACK of what was never sent is ignored", Caught: []string{"9260/12.4/2"},
		New: sacksIn(func(s *wire.Sack, highest wire.TSN) bool { return highest != 0 && s.CumTSNAck.LessEq(highest) })},
	{Name: "the window of an old SACK counts", Caught: []string{"9260/6.2.1/1"},
		New: sacksIn(func(s *wire.Sack, highest wire.TSN) bool {
			if s.ARwnd == 0 {
				s.CumTSNAck = highest
			}
			return true
		})},
	{Name: "more is sent than the windows allow", Caught: []string{"9260/7.2.1/1", "9260/7.2.1/3", "9260/6.2.1/2", "9260/6.1/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				out := []*Pkt{p}
				for i := range wire.TSN(4) {
					if p.Has(wire.ChunkData) {
						out = append(out, p.Map(func(c wire.Chunk) []byte {
							d, err := wire.ParseData(c)
							if c.Type != wire.ChunkData || err != nil {
								return nil
							}
							d.TSN += 1000 * (i + 1)
							return d.Append(nil)
						}))
					}
				}
				return out
			}}
		}},
	{Name: "all is sent again when T3-rtx expires", Caught: []string{"9260/7.2.1/2"},
		New: repeated(func(p *Pkt, all []*Pkt) []*Pkt { return append([]*Pkt{p}, all...) })},
	{Name: "what is sent again is sent twice", Caught: []string{"9260/8.1/1", "9260/6.1/4"},
		New: repeated(func(p *Pkt, _ []*Pkt) []*Pkt { return []*Pkt{p, p} })},
	{Name: "nothing is sent again", Caught: []string{"9260/6.3.2/1", "9260/6.4/3", "9260/9.2/4"},
		New: repeated(func(*Pkt, []*Pkt) []*Pkt { return nil })},
	{Name: "one chunk at a time is sent again", Caught: []string{"9260/6.3.3/2"},
		New: repeated(func(p *Pkt, _ []*Pkt) []*Pkt { q := p.Clone(); q.Raw, q.Chunks = nil, q.Chunks[:1]; return Only(q) })},
	{Name: "what T acknowledges is not looked at", Caught: []string{"9260/6.3.2/2", "9260/9.2/5"},
		New: func() Middlebox {
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if p = p.Without(wire.ChunkSack); p != nil {
					p = p.Without(wire.ChunkShutdown)
				}
				return Only(p)
			}}
		}},
	{Name: "a single packet is never acknowledged", Caught: []string{"9260/6.2/6", "9260/6.2/7", "9260/6.2/10"},
		New: func() Middlebox {
			var last wire.TSN
			return sacks(func(s *wire.Sack) bool {
				one := last != 0 && s.CumTSNAck == last+1
				last = s.CumTSNAck
				return !one
			})()
		}},
	{Name: "gaps wait for a second", Caught: []string{"9260/6.7/1", "9260/7.2.4/4"},
		New: func() Middlebox {
			var since time.Time
			return sacks(func(s *wire.Sack) bool {
				if len(s.Gaps) > 0 && since.IsZero() {
					since = time.Now()
				}
				return len(s.Gaps) == 0 || time.Since(since) > time.Second
			})()
		}},
	{Name: "no more than ten Gap Ack Blocks are reported", Caught: []string{"9260/6.2/9"},
		New: sacks(func(s *wire.Sack) bool { s.Gaps = s.Gaps[:min(10, len(s.Gaps))]; return true })},
	{Name: "the highest Gap Ack Blocks are reported", Caught: []string{"9260/6.7/2"},
		New: sacks(func(s *wire.Sack) bool { s.Gaps = s.Gaps[max(0, len(s.Gaps)-300):]; return true })},
	{Name: "a SACK for each chunk", Caught: []string{"9260/6.2/8"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if !p.Has(wire.ChunkSack) {
					return Only(p)
				}
				return []*Pkt{p, p, p}
			}}
		}},
	{Name: "duplicates are not reported", Caught: []string{"9260/6.2/12"},
		New: sacks(func(s *wire.Sack) bool { s.Dups = nil; return true })},
	{Name: "duplicates are ignored", Caught: []string{"9260/6.2/11", "9260/9.2/11"},
		New: sacks(func(s *wire.Sack) bool { return len(s.Dups) == 0 })},
	{Name: "what there is no room for is acknowledged", Caught: []string{"9260/6.2/2", "9260/6.2/3"},
		New: func() Middlebox {
			var highest wire.TSN
			m := sacks(func(s *wire.Sack) bool {
				if s.ARwnd == 0 {
					s.CumTSNAck = highest
				}
				return true
			})()
			m.In = func(p *Pkt, _ func(*Pkt)) []*Pkt {
				for _, d := range dataIn(p) {
					highest = d.TSN
				}
				return Only(p)
			}
			return m
		}},
	{Name: "a window that opens is not told", Caught: []string{"9260/6.2/4"},
		New: func() Middlebox {
			closed := false
			return sacks(func(s *wire.Sack) bool { closed = closed || s.ARwnd == 0; return !closed || s.ARwnd == 0 })()
		}},
	{Name: "a_rwnd grows with what is held", Caught: []string{"9260/6.2/13"},
		New: func() Middlebox {
			n := uint32(0)
			return sacks(func(s *wire.Sack) bool { n += 5000; s.ARwnd += n; return true })()
		}},
	{Name: "no user data is no reason to abort", Caught: []string{"9260/6.2/14"},
		New: outbound(wire.ChunkAbort, func(wire.Chunk) []byte { return nil })},
	{Name: "an invalid stream is not told", Caught: []string{"9260/6.5/2"},
		New: outbound(wire.ChunkError, func(wire.Chunk) []byte { return nil })},
	{Name: "Stream Sequence Numbers begin with 1", Caught: []string{"9260/6.5/3", "9260/6.5/4"},
		New: datas(func(d *wire.Data) { d.SSN++ })},
	{Name: "Stream Sequence Numbers jump over 0", Caught: []string{"9260/6.5/5"},
		New: func() Middlebox {
			wrapped := false
			return datas(func(d *wire.Data) {
				if wrapped = wrapped || d.SSN == 65535; wrapped && d.SSN == 0 {
					d.SSN = 1
				}
			})()
		}},
	{Name: "unordered messages are counted", Caught: []string{"9260/6.5/6"},
		New: func() Middlebox {
			var n wire.SSN
			return datas(func(d *wire.Data) {
				if d.Flags&wire.DataUnordered != 0 {
					n++
				} else {
					d.SSN += n
				}
			})()
		}},
	{Name: "ordered messages do not wait for each other", Caught: []string{"9260/6.6/1", "9260/6.6/2", "3758/3.6/7", "3758/3.6/9"},
		New: func() Middlebox {
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if !p.Has(wire.ChunkData) {
					return Only(p)
				}
				return Only(p.Map(func(c wire.Chunk) []byte {
					if c.Type == wire.ChunkData {
						return wire.AppendChunk(nil, c.Type, c.Flags|wire.DataUnordered, c.Value)
					}
					return Same(c)
				}))
			}}
		}},
	{Name: "packets are larger than the PMTU", Caught: []string{"9260/6.9/2"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if p.Has(wire.ChunkData) {
					p.Raw, p.Tail = nil, wire.AppendPad(nil, 200)
				}
				return Only(p)
			}}
		}},
	{Name: "checksums of zero are sent", Caught: []string{"9260/6.8/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt { p.Raw, p.Sum = nil, new(uint32); return Only(p) }}
		}},
	{Name: "control chunks come last", Caught: []string{"9260/6.10/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				q := p.Clone()
				q.Raw = nil
				slices.SortStableFunc(q.Chunks, func(x, y wire.Chunk) int {
					if (x.Type == wire.ChunkData) == (y.Type == wire.ChunkData) {
						return 0
					} else if x.Type == wire.ChunkData {
						return -1
					}
					return 1
				})
				return Only(q)
			}}
		}},
	{Name: "chunks are in the wrong order", Caught: []string{"9260/6.10/2", "9260/6.10/4"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				q := p.Clone()
				q.Raw = nil
				slices.Reverse(q.Chunks)
				return Only(q)
			}}
		}},
	{Name: "new data takes turns between the paths", Caught: []string{"9260/6.4/1"},
		New: towards(wire.ChunkData, func(n int) bool { return n%2 == 0 })},
	{Name: "SACKs take turns between the paths", Caught: []string{"9260/6.4/2"},
		New: towards(wire.ChunkSack, func(n int) bool { return n%2 == 0 })},
	{Name: "SACKs go to another path", Caught: []string{"9260/6.7/3"},
		New: towards(wire.ChunkSack, func(int) bool { return true })},
	{Name: "what is sent again takes another path than it should", Caught: []string{"9260/6.4/3", "9260/6.4/4"},
		New: repeated(func(p *Pkt, _ []*Pkt) []*Pkt {
			other := testerAddrs[0]
			if p.Remote.Addr() == other {
				other = testerAddrs[1]
			}
			p.Remote = addrPort(other, p.Remote.Port())
			return Only(p)
		})},
	{Name: "new data stays on a path that is silent", Caught: []string{"9260/6.4.1/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if p.Has(wire.ChunkData) {
					p.Remote = addrPort(testerAddrs[0], p.Remote.Port())
				}
				return Only(p)
			}}
		}},
	{Name: "data follows the SHUTDOWN", Caught: []string{"9260/6/3"},
		New: func() Middlebox {
			shut := false
			return Middlebox{
				Out: func(p *Pkt) []*Pkt { shut = shut || p.Has(wire.ChunkShutdown); return Only(p) },
				In: func(p *Pkt, back func(*Pkt)) []*Pkt {
					for _, d := range dataIn(p) {
						if shut {
							q := p.With(d.Append(nil))
							q.Header.SrcPort, q.Header.DstPort = p.Header.DstPort, p.Header.SrcPort
							back(q)
						}
					}
					return Only(p)
				},
			}
		}},
	{Name: "data is acknowledged after the SHUTDOWN ACK", Caught: []string{"9260/6/1"},
		New: func() Middlebox {
			shut := false
			return Middlebox{
				Out: func(p *Pkt) []*Pkt { shut = shut || p.Has(wire.ChunkShutdownAck); return Only(p) },
				In: func(p *Pkt, back func(*Pkt)) []*Pkt {
					for _, d := range dataIn(p) {
						if shut {
							s := wire.Sack{CumTSNAck: d.TSN}
							q := p.With(s.Append(nil))
							q.Header.SrcPort, q.Header.DstPort = p.Header.DstPort, p.Header.SrcPort
							back(q)
						}
					}
					return Only(p)
				},
			}
		}},
	{Name: "only the first DATA chunk of a packet is taken", Caught: []string{"9260/6/2"},
		New: func() Middlebox {
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				n := 0
				return Only(p.Map(func(c wire.Chunk) []byte {
					if c.Type == wire.ChunkData {
						if n++; n > 1 {
							return nil
						}
					}
					return Same(c)
				}))
			}}
		}},
	{Name: "acknowledgements end after fifty TSNs", Caught: []string{"9260/6.2/1"},
		New: func() Middlebox {
			var first wire.TSN
			return sacks(func(s *wire.Sack) bool {
				if first == 0 {
					first = s.CumTSNAck
				}
				return s.CumTSNAck.Diff(first) < 50
			})()
		}},
	{Name: "two packets are not acknowledged", Caught: []string{"9260/6.2/5"},
		New: func() Middlebox {
			var last wire.TSN
			return sacks(func(s *wire.Sack) bool {
				two := last != 0 && s.CumTSNAck == last+2
				last = s.CumTSNAck
				return !two
			})()
		}},
	{Name: "DATA of an invalid stream is lost", Caught: []string{"9260/6.5/1", "9260/6.5/2"},
		New: func() Middlebox {
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				for _, d := range dataIn(p) {
					if d.Stream >= 16 {
						return nil
					}
				}
				return Only(p)
			}}
		}},
	{Name: "checksums are not looked at", Caught: []string{"9260/6.8/2", "9260/6.8/3"},
		New: func() Middlebox { return Middlebox{Mend: func(b []byte) []byte { return b }} }},
	{Name: "DATA that comes late is lost", Caught: []string{"9260/6.9/1"},
		New: func() Middlebox {
			var highest wire.TSN
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				for _, d := range dataIn(p) {
					if highest != 0 && d.TSN.Less(highest) {
						return nil
					}
					highest = d.TSN
				}
				return Only(p)
			}}
		}},
	{Name: "each fragment is a first one", Caught: []string{"9260/6.9/3"},
		New: datas(func(d *wire.Data) { d.Flags |= wire.DataBegin })},
	{Name: "fragments do not hold the message in its order", Caught: []string{"9260/6.9/4"},
		New: datas(func(d *wire.Data) { d.Payload = slices.Clone(d.Payload); slices.Reverse(d.Payload) })},
	{Name: "retransmissions are counted and never forgiven", Caught: []string{"9260/8.1/2"},
		New: func() Middlebox {
			n := 0
			return repeated(func(p *Pkt, _ []*Pkt) []*Pkt {
				if n++; n > 10 {
					return nil
				}
				return Only(p)
			})()
		}},
}
