// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"net/netip"

	"github.com/rserpool/rserpool/sctp/wire"
)

func addrPort(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

// inbound is a middlebox that answers in place of S, or changes what S receives. tags are what is known of the association:
// S's tag, which T sends, and T's.
func inbound(f func(p *Pkt, tags [2]uint32, answer func(tag uint32, chunks ...[]byte)) []*Pkt) func() Middlebox {
	return func() Middlebox {
		var tags [2]uint32
		learn := func(p *Pkt, i int) {
			for _, c := range p.Chunks {
				if in, err := wire.ParseInit(c); err == nil && (c.Type == wire.ChunkInit || c.Type == wire.ChunkInitAck) && tags[i] == 0 {
					tags[i] = in.InitiateTag
				}
			}
		}
		return Middlebox{
			Out: func(p *Pkt) []*Pkt { learn(p, 0); return Only(p) },
			In: func(p *Pkt, back func(*Pkt)) []*Pkt {
				learn(p, 1)
				return f(p, tags, func(tag uint32, chunks ...[]byte) {
					q := p.With(chunks...)
					q.Header = wire.Header{SrcPort: p.Header.DstPort, DstPort: p.Header.SrcPort, Tag: tag}
					back(q)
				})
			},
		}
	}
}

// accepting is a middlebox that makes a type of chunk acceptable to S, whatever its tag and T bit.
func accepting(t wire.ChunkType) func() Middlebox {
	return inbound(func(p *Pkt, tags [2]uint32, _ func(uint32, ...[]byte)) []*Pkt {
		if p.Has(t) && tags[0] != 0 {
			p = p.Map(func(c wire.Chunk) []byte {
				if c.Type == t {
					return wire.AppendChunk(nil, t, 0, c.Value)
				}
				return Same(c)
			})
			p.Header.Tag = tags[0]
		}
		return Only(p)
	})
}

// answeringChunk is a middlebox that answers a type of chunk with another one, besides what S does.
func answeringChunk(t wire.ChunkType, chunk func(c wire.Chunk) []byte) func() Middlebox {
	return inbound(func(p *Pkt, tags [2]uint32, answer func(uint32, ...[]byte)) []*Pkt {
		for _, c := range p.Chunks {
			if c.Type == t {
				answer(tags[1], chunk(c))
			}
		}
		return Only(p)
	})
}

// deaf is a middlebox that keeps packets with a type of chunk from S, if they come with the T bit, or without it.
func deaf(t wire.ChunkType, reflected bool) func() Middlebox {
	return inbound(func(p *Pkt, _ [2]uint32, _ func(uint32, ...[]byte)) []*Pkt {
		for _, c := range p.Chunks {
			if c.Type == t && (c.Flags&wire.FlagT != 0) == reflected {
				return nil
			}
		}
		return Only(p)
	})
}

// twice is a middlebox that sends packets with a type of chunk two times.
func twice(t wire.ChunkType) func() Middlebox {
	return func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(t) {
				return []*Pkt{p, p}
			}
			return Only(p)
		}}
	}
}

// flags is a middlebox that sets the flags of the chunks of a type that S sends.
func flags(t wire.ChunkType, f uint8) func() Middlebox {
	return outbound(t, func(c wire.Chunk) []byte { return wire.AppendChunk(nil, t, f, c.Value) })
}

// without is a middlebox that drops the chunks of a type that S sends.
func without(t wire.ChunkType) func() Middlebox {
	return outbound(t, func(wire.Chunk) []byte { return nil })
}

// once is a middlebox that lets the first chunk of a type pass only.
func once(t wire.ChunkType) func() Middlebox {
	return func() Middlebox {
		n := 0
		return outbound(t, func(c wire.Chunk) []byte {
			if n++; n > 1 {
				return nil
			}
			return Same(c)
		})()
	}
}

// endMutants break the rules of RFC 9260, Sections 8, 9 and 12.
var endMutants = []Mutant{
	{Name: "HEARTBEATs are answered whether or not there is an association", Caught: []string{"9260/5.2.4/1", "9260/8.1/1", "9260/8.4/10", "9260/8.5/2", "9260/8.5.1/1", "9260/8.5.1/3", "9260/8.5.1/4", "9260/9.1/4", "9260/9.2/12", "9260/12.4/2"},
		New: answeringChunk(wire.ChunkHeartbeat, func(c wire.Chunk) []byte { return wire.AppendChunk(nil, wire.ChunkHeartbeatAck, 0, c.Value) })},
	{Name: "there are no HEARTBEATs", Caught: []string{"9260/8.3/1"}, New: without(wire.ChunkHeartbeat)},
	{Name: "HEARTBEATs are not answered", Caught: []string{"9260/8.3/2", "9260/8.3/3", "9260/8.3/4"}, New: without(wire.ChunkHeartbeatAck)},
	{Name: "a HEARTBEAT ACK has the first parameter only", Caught: []string{"9260/8.3/4"},
		New: outbound(wire.ChunkHeartbeatAck, func(c wire.Chunk) []byte {
			p, _, err := wire.NextParam(c.Value)
			if err != nil {
				return nil
			}
			return wire.AppendChunk(nil, c.Type, 0, wire.AppendParam(nil, p.Type, p.Value))
		})},
	{Name: "an ABORT is answered", Caught: []string{"9260/8.4/1", "9260/8.4/2"},
		New: answeringChunk(wire.ChunkAbort, func(wire.Chunk) []byte { return wire.AppendAbort(nil, true, nil) })},
	{Name: "SHUTDOWN COMPLETE, COOKIE ACK and ERROR are answered out of the blue", Caught: []string{"9260/8.4/6", "9260/8.4/7"},
		New: inbound(func(p *Pkt, tags [2]uint32, answer func(uint32, ...[]byte)) []*Pkt {
			if tags[0] == 0 {
				answer(p.Header.Tag, wire.AppendAbort(nil, true, nil))
			}
			return Only(p)
		})},
	{Name: "nothing out of the blue is answered", Caught: []string{"9260/8.4/4", "9260/8.4/8", "9260/8.4/9", "9260/8.4/11", "9260/8.4/12", "9260/8.5.1/12", "9260/8.5.1/13"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				for _, c := range p.Chunks {
					if (c.Type == wire.ChunkAbort || c.Type == wire.ChunkShutdownComplete) && c.Flags&wire.FlagT != 0 {
						return nil
					}
				}
				return Only(p)
			}}
		}},
	{Name: "the T bit is not set in an ABORT out of the blue", Caught: []string{"9260/8.4/13"}, New: flags(wire.ChunkAbort, 0)},
	{Name: "the T bit is not set in a SHUTDOWN COMPLETE out of the blue", Caught: []string{"9260/8.4/5", "9260/8.5.1/12"}, New: flags(wire.ChunkShutdownComplete, 0)},
	{Name: "the T bit is set in an ABORT of an association, and of none", Caught: []string{"9260/8.4/3", "9260/8.5.1/2", "9260/9.1/1"}, New: flags(wire.ChunkAbort, wire.FlagT)},
	{Name: "the T bit is set in the SHUTDOWN COMPLETE of an association", Caught: []string{"9260/8.5.1/7"}, New: flags(wire.ChunkShutdownComplete, wire.FlagT)},
	{Name: "every ABORT is believed", Caught: []string{"9260/8.5.1/5", "9260/8.5.1/6"}, New: accepting(wire.ChunkAbort)},
	{Name: "no ABORT is believed", Caught: []string{"9260/8.5.1/3", "9260/9.1/4"}, New: deaf(wire.ChunkAbort, false)},
	{Name: "no ABORT with the T bit is believed", Caught: []string{"9260/8.5.1/4"}, New: deaf(wire.ChunkAbort, true)},
	{Name: "every SHUTDOWN COMPLETE is believed", Caught: []string{"9260/8.5.1/8"}, New: accepting(wire.ChunkShutdownComplete)},
	{Name: "no SHUTDOWN COMPLETE is believed", Caught: []string{"9260/9.2/13"}, New: deaf(wire.ChunkShutdownComplete, false)},
	{Name: "no SHUTDOWN COMPLETE with the T bit is believed", Caught: []string{"9260/8.5.1/9"}, New: deaf(wire.ChunkShutdownComplete, true)},
	{Name: "SHUTDOWN COMPLETE ends every association", Caught: []string{"9260/8.5.1/10"},
		New: inbound(func(p *Pkt, _ [2]uint32, _ func(uint32, ...[]byte)) []*Pkt {
			if p.Has(wire.ChunkShutdownComplete) {
				p = p.With(wire.AppendAbort(nil, false, nil))
			}
			return Only(p)
		})},
	{Name: "an ABORT has no cause", Caught: []string{"9260/9.1/3", "4895/6.1/3"},
		New: outbound(wire.ChunkAbort, func(c wire.Chunk) []byte { return wire.AppendAbort(nil, c.Flags&wire.FlagT != 0, nil) })},
	{Name: "DATA is bundled with ABORT", Caught: []string{"9260/9.1/2"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if p.Has(wire.ChunkAbort) {
					d := wire.Data{TSN: 1, Payload: []byte("data")}
					p = p.With(d.Append(nil), p.Chunks[0].Raw)
				}
				return Only(p)
			}}
		}},
	{Name: "SHUTDOWN is answered while data is outstanding", Caught: []string{"9260/9.2/4"},
		New: answeringChunk(wire.ChunkShutdown, func(wire.Chunk) []byte { return wire.AppendShutdownAck(nil) })},
	{Name: "SHUTDOWN ACK is sent once", Caught: []string{"9260/6/1", "9260/8.5.1/8", "9260/9.2/2", "9260/9.2/14"}, New: once(wire.ChunkShutdownAck)},
	{Name: "SHUTDOWN is sent once", Caught: []string{"9260/9.2/8", "9260/9.2/10", "9260/9.2/11"}, New: once(wire.ChunkShutdown)},
	{Name: "SHUTDOWN ACK is sent too often", Caught: []string{"9260/9.2/3"}, New: twice(wire.ChunkShutdownAck)},
	{Name: "SHUTDOWN is sent too often", Caught: []string{"9260/9.2/9"}, New: twice(wire.ChunkShutdown)},
	{Name: "SHUTDOWN overtakes the end of the data", Caught: []string{"9260/9.2/6"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if p.Has(wire.ChunkData) {
					return []*Pkt{p, p.With(wire.AppendShutdown(nil, 0))}
				}
				return Only(p)
			}}
		}},
	{Name: "SHUTDOWN acknowledges one TSN less", Caught: []string{"9260/9.2/7", "9260/9.2/10"},
		New: outbound(wire.ChunkShutdown, func(c wire.Chunk) []byte {
			cum, err := wire.ParseShutdown(c)
			if err != nil {
				return nil
			}
			return wire.AppendShutdown(nil, cum-1)
		})},
	{Name: "two SHUTDOWNs, or SHUTDOWN ACKs, that meet end nothing", Caught: []string{"9260/9.2/16", "9260/9.2/17"},
		New: func() Middlebox {
			shut := false
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					shut = shut || p.Has(wire.ChunkShutdown) || p.Has(wire.ChunkShutdownAck)
					return Only(p)
				},
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					if shut && (p.Has(wire.ChunkShutdown) || p.Has(wire.ChunkShutdownAck)) {
						return nil
					}
					return Only(p)
				},
			}
		}},
	{Name: "every INIT is answered", Caught: []string{"9260/9.2/14", "9260/12.3/1", "9260/12.3/2"},
		New: inbound(func(p *Pkt, tags [2]uint32, answer func(uint32, ...[]byte)) []*Pkt {
			for _, c := range p.Chunks {
				good := tags[0] == 0 && p.Header.Tag == 0 && len(p.Chunks) == 1
				if in, err := wire.ParseInit(c); err == nil && c.Type == wire.ChunkInit && !good {
					mine := wire.Init{InitiateTag: 1, ARwnd: 65535, OutboundStreams: 1, InboundStreams: 1, Params: wire.AppendStateCookie(nil, []byte("cookie"))}
					answer(in.InitiateTag, mine.Append(nil, wire.ChunkInitAck))
				}
			}
			return Only(p)
		})},
	{Name: "SHUTDOWN is answered before there is an association", Caught: []string{"9260/9.2/15"},
		New: answeringChunk(wire.ChunkShutdown, func(wire.Chunk) []byte { return wire.AppendShutdownAck(nil) })},
	{Name: "each chunk is answered by a packet of its own", Caught: []string{"9260/12.4/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) (out []*Pkt) {
				for _, c := range p.Chunks {
					out = append(out, p.With(c.Raw))
				}
				return out
			}}
		}},
	{Name: "a Stale Cookie comes after 40 seconds", Caught: []string{"9260/16/3"}, New: deaf(wire.ChunkCookieEcho, false)},
	{Name: "the COOKIE ECHO has a tag of its own", Caught: []string{"9260/8.5.1/11"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if p.Has(wire.ChunkCookieEcho) {
					p.Raw = nil
					p.Header.Tag++
				}
				return Only(p)
			}}
		}},
	{Name: "SHUTDOWN is ignored", Caught: []string{"9260/9.2/1"}, New: deaf(wire.ChunkShutdown, false)},
}
