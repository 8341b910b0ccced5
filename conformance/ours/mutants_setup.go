// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"bytes"
	"encoding/binary"

	"github.com/rserpool/rserpool/sctp/wire"
)

// setupMutants break the formats of chunks and the handshake, restarts included.
var setupMutants = []Mutant{
	{
		Name:   "a chunk is bundled with INIT and INIT ACK",
		Caught: []string{"9260/3/1", "9260/3/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkInit) || p.Has(wire.ChunkInitAck) {
				p.Tail = wire.AppendPad(nil, 8)
				p.Raw = nil
			}
			return Only(p)
		}),
	},
	{
		Name:   "SHUTDOWN COMPLETE is bundled",
		Caught: []string{"9260/3/3", "4895/3.2/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkShutdownComplete) {
				return Only(p.With(wire.AppendPad(nil, 8), wire.AppendShutdownComplete(nil, false)))
			}
			return Only(p)
		}),
	},
	{
		Name:   "INIT has a verification tag",
		Caught: []string{"9260/3.1/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkInit) {
				p.Header.Tag, p.Raw = 1, nil
			}
			return Only(p)
		}),
	},
	{
		Name:   "SHUTDOWN ACK has a tag of its own",
		Caught: []string{"9260/3.1/1"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkShutdownAck) {
				p.Header.Tag, p.Raw = p.Header.Tag+1, nil
			}
			return Only(p)
		}),
	},
	{
		Name:   "unknown chunks are skipped whatever their highest bits",
		Caught: []string{"9260/3.2/1", "9260/3.2/2", "9260/3.2/4", "9260/3.2/5"},
		New:    incoming(func(p *Pkt) *Pkt { return withoutUnknown(p, false) }),
	},
	{
		Name:   "unknown chunks end the packet whatever their highest bits",
		Caught: []string{"9260/3.2/2", "9260/3.2/3", "9260/3.2/4"},
		New:    incoming(func(p *Pkt) *Pkt { return withoutUnknown(p, true) }),
	},
	{
		Name:   "a packet with an unknown chunk is not processed at all",
		Caught: []string{"9260/3.2/3", "9260/3.2/5"},
		New: incoming(func(p *Pkt) *Pkt {
			for _, c := range p.Chunks {
				if unknownType(c.Type) {
					return nil
				}
			}
			return p
		}),
	},
	{
		Name:   "unknown chunks are always reported",
		Caught: []string{"9260/3.2/1", "9260/3.2/3"},
		New: answering(func(p *Pkt) []byte {
			for _, c := range p.Chunks {
				if unknownType(c.Type) {
					return wire.AppendError(nil, wire.AppendUnrecognizedChunk(nil, c.Raw))
				}
			}
			return nil
		}),
	},
	{
		Name:   "an unknown chunk is reported by its header only",
		Caught: []string{"9260/3.2/2", "9260/3.2/4"},
		New: outgoing(func(p *Pkt) []*Pkt {
			return Only(p.Map(func(c wire.Chunk) []byte {
				if c.Type == wire.ChunkError && len(c.Value) > 8 && c.Value[1] == byte(wire.CauseUnrecognizedChunk) {
					return wire.AppendError(nil, wire.AppendUnrecognizedChunk(nil, c.Value[4:8]))
				}
				return Same(c)
			}))
		}),
	},
	{
		Name:   "HEARTBEAT with flags is not taken",
		Caught: []string{"9260/3.2/6"},
		New: incoming(func(p *Pkt) *Pkt {
			for _, c := range p.Chunks {
				if c.Type == wire.ChunkHeartbeat && c.Flags != 0 {
					return nil
				}
			}
			return p
		}),
	},
	{
		Name:   "chunks are sent with flags",
		Caught: []string{"9260/3.2/7", "9260/3.3.1/1", "9260/3.3.2/14", "9260/3.3.3/5"},
		New: outgoing(func(p *Pkt) []*Pkt {
			return Only(p.Map(func(c wire.Chunk) []byte { return wire.AppendChunk(nil, c.Type, c.Flags|0x80, c.Value) }))
		}),
	},
	{
		Name:   "padding is not zeros",
		Caught: []string{"9260/3.2/9", "9260/3.3.1/8"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if last := p.Chunks[len(p.Chunks)-1]; len(last.Raw)%4 != 0 {
				b := bytes.Clone(p.Raw)
				for i := len(b) - (4 - len(last.Raw)%4); i < len(b); i++ {
					b[i] = 0xa5
				}
				wire.SetChecksum(b)
				p.Raw = b
			}
			return Only(p)
		}),
	},
	{
		Name:   "padding is counted in Chunk Length",
		Caught: []string{"9260/3.2/9", "9260/3.3.1/8"},
		New: outgoing(func(p *Pkt) []*Pkt {
			return Only(p.Map(func(c wire.Chunk) []byte {
				b := Same(c)
				binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
				return b
			}))
		}),
	},
	{
		Name:   "padding of HEARTBEAT must be zeros",
		Caught: []string{"9260/3.2/10"},
		New: incoming(func(p *Pkt) *Pkt {
			if n := len(p.Raw); n > 0 && p.Has(wire.ChunkHeartbeat) && p.Raw[n-1] == 0xa5 {
				return nil
			}
			return p
		}),
	},
	{
		Name:   "unknown parameters are all reported",
		Caught: []string{"9260/3.2.1/1", "9260/3.2.1/2", "9260/3.2.2/1"},
		New: reporting(func(types []wire.ParamType) []wire.ParamType {
			return types
		}),
	},
	{
		Name:   "unknown parameters are not reported",
		Caught: []string{"9260/3.2.1/2", "9260/3.2.1/5", "9260/3.2.1/6", "9260/3.2.2/1", "9260/3.2.2/2"},
		New:    reporting(func([]wire.ParamType) []wire.ParamType { return nil }),
	},
	{
		Name:   "only the last unknown parameter is reported",
		Caught: []string{"9260/3.2.1/1", "9260/3.2.2/1", "9260/3.2.2/2"},
		New:    reporting(func(types []wire.ParamType) []wire.ParamType { return types[len(types)-1:] }),
	},
	{
		Name:   "an unknown parameter in INIT ACK is reported as a chunk of its own",
		Caught: []string{"9260/3.2.2/3", "9260/3.2.2/4"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if !p.Has(wire.ChunkCookieEcho) || !p.Has(wire.ChunkError) {
				return Only(p)
			}
			return []*Pkt{p.Without(wire.ChunkError)}
		}),
	},
	{
		Name:   "ERROR comes before COOKIE ECHO",
		Caught: []string{"9260/3.2.2/5"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkCookieEcho) && len(p.Chunks) == 2 {
				return Only(p.With(Same(p.Chunks[1]), Same(p.Chunks[0])))
			}
			return Only(p)
		}),
	},
	{
		Name:   "all parameters of INIT ACK that are unknown are reported",
		Caught: []string{"9260/3.2.1/3", "9260/3.2.1/4"},
		New: func() Middlebox {
			var unknown []byte
			return Middlebox{
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					for _, c := range p.Chunks {
						unknown = append(unknown, unknownParams(c)...)
					}
					return Only(p)
				},
				Out: func(p *Pkt) []*Pkt {
					if p.Has(wire.ChunkCookieEcho) && len(unknown) > 0 {
						return Only(p.With(Same(p.Chunks[0]), wire.AppendError(nil, wire.AppendUnrecognizedParams(nil, unknown))))
					}
					return Only(p)
				},
			}
		},
	},
}

// outgoing is a middlebox for what S sends.
func outgoing(f func(*Pkt) []*Pkt) func() Middlebox {
	return func() Middlebox { return Middlebox{Out: f} }
}

// incoming is one for what S gets; nil drops a packet.
func incoming(f func(*Pkt) *Pkt) func() Middlebox {
	return func() Middlebox {
		return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt { return Only(f(p)) }}
	}
}

// answering is one that also answers packets, with the chunk that f returns, as S would.
func answering(f func(*Pkt) []byte) func() Middlebox {
	return func() Middlebox {
		tags := tagsOf{}
		return Middlebox{
			Out: func(p *Pkt) []*Pkt { tags.out(p); return Only(p) },
			In: func(p *Pkt, back func(*Pkt)) []*Pkt {
				tags.in(p)
				if c := f(p); c != nil {
					back(tags.answer(p, c))
				}
				return Only(p)
			},
		}
	}
}

// tagsOf keeps the verification tags that the other side has chosen, by its SCTP port.
type tagsOf map[uint16]uint32

// in learns from a packet that arrives at S.
func (t tagsOf) in(p *Pkt) {
	for _, c := range p.Chunks {
		if in, err := wire.ParseInit(c); err == nil && c.Type == wire.ChunkInit {
			t[p.Header.SrcPort] = in.InitiateTag
		}
	}
}

// out learns from a packet that S sends.
func (t tagsOf) out(p *Pkt) {
	if p.Header.Tag != 0 {
		t[p.Header.DstPort] = p.Header.Tag
	}
}

// answer is a packet back.
func (t tagsOf) answer(p *Pkt, chunks ...[]byte) *Pkt {
	q := p.With(chunks...)
	q.Header = wire.Header{SrcPort: p.Header.DstPort, DstPort: p.Header.SrcPort, Tag: t[p.Header.SrcPort]}
	return q
}

// unknownType reports whether a chunk type is one of those the cases use for unknown ones.
func unknownType(t wire.ChunkType) bool { return t&0x3f == 0x3e }

// withoutUnknown takes unknown chunks out of a packet, and those behind them if it ends there.
func withoutUnknown(p *Pkt, ends bool) *Pkt {
	var keep [][]byte
	for _, c := range p.Chunks {
		if unknownType(c.Type) {
			if ends {
				break
			}
			continue
		}
		keep = append(keep, Same(c))
	}
	if len(keep) == len(p.Chunks) {
		return p
	}
	if len(keep) == 0 {
		return nil
	}
	return p.With(keep...)
}

// unknownParams are the parameters of an INIT or INIT ACK that the cases use for unknown ones.
func unknownParams(c wire.Chunk) (b []byte) {
	in, err := wire.ParseInit(c)
	if err != nil {
		return nil
	}
	for x, err := range wire.Params(in.Params) {
		if err == nil && x.Type&0x3f00 == 0x3e00 {
			b = wire.AppendParam(b, x.Type, x.Value)
		}
	}
	return b
}

// reporting is a middlebox whose S reports those of the unknown parameters of an INIT that choose returns.
func reporting(choose func([]wire.ParamType) []wire.ParamType) func() Middlebox {
	return func() Middlebox {
		unknown := map[wire.ParamType][]byte{}
		var types []wire.ParamType
		return Middlebox{
			In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				for _, c := range p.Chunks {
					if c.Type != wire.ChunkInit {
						continue
					}
					types = nil
					for x := range wire.Params(unknownParams(c)) {
						types = append(types, x.Type)
						unknown[x.Type] = x.Raw
					}
				}
				return Only(p)
			},
			Out: func(p *Pkt) []*Pkt {
				if len(types) == 0 {
					return Only(p)
				}
				return Only(p.Map(func(c wire.Chunk) []byte {
					if c.Type != wire.ChunkInitAck {
						return Same(c)
					}
					return changeInit(c, func(in *wire.Init) {
						in.Params = withoutParam(in.Params, wire.ParamUnrecognized)
						for _, x := range choose(types) {
							in.Params = wire.AppendParam(in.Params, wire.ParamUnrecognized, unknown[x])
						}
					})
				}))
			},
		}
	}
}

// changeInit changes an INIT or INIT ACK.
func changeInit(c wire.Chunk, change func(*wire.Init)) []byte {
	in, err := wire.ParseInit(c)
	if err != nil {
		return Same(c)
	}
	in.Params = bytes.Clone(in.Params)
	change(&in)
	return in.Append(nil, c.Type)
}

// withoutParam takes the parameters of a type out.
func withoutParam(params []byte, t wire.ParamType) (b []byte) {
	for x, err := range wire.Params(params) {
		if err == nil && x.Type != t {
			b = wire.AppendParam(b, x.Type, x.Value)
		}
	}
	return b
}
