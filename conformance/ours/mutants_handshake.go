// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// handshakeMutants break the values of INIT and INIT ACK, cookies, restarts and the confirmation of addresses.
var handshakeMutants = []Mutant{
	{
		Name:   "INIT with tag 0 gets an ABORT",
		Caught: []string{"9260/3.3.2/2"},
		New: answering(func(p *Pkt) []byte {
			if in, ok := initIn(p, wire.ChunkInit); ok && in.InitiateTag == 0 {
				return wire.AppendAbort(nil, true, nil)
			}
			return nil
		}),
	},
	{
		Name:   "values of INIT and INIT ACK that are too small are taken",
		Caught: []string{"9260/3.3.2/3", "9260/3.3.2/4", "9260/3.3.2/5", "9260/3.3.2/6", "9260/3.3.2/7", "9260/3.3.2/8", "9260/3.3.3/10", "9260/3.3.3/11", "9260/3.3.3/12", "9260/3.3.3/13", "9260/3.3.3/14", "9260/3.3.3/15"},
		New: incomingInit(func(in *wire.Init) {
			in.ARwnd, in.OutboundStreams, in.InboundStreams = max(in.ARwnd, 1500), max(in.OutboundStreams, 1), max(in.InboundStreams, 1)
		}),
	},
	{
		Name:   "INIT ACK with wrong values is ignored",
		Caught: []string{"9260/3.3.3/8", "9260/3.3.3/10", "9260/3.3.3/12"},
		New: incoming(func(p *Pkt) *Pkt {
			if in, ok := initIn(p, wire.ChunkInitAck); ok && (in.InitiateTag == 0 || in.OutboundStreams == 0 || in.InboundStreams == 0) {
				return nil
			}
			return p
		}),
	},
	{
		Name:   "INIT ends the association that there is",
		Caught: []string{"9260/3.3.2/9", "9260/5.1.2/4", "9260/5.2.2/5", "9260/5.2.2/8"},
		New: func() Middlebox {
			up, gone := map[uint16]uint32{}, map[uint32]bool{}
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				tag, is := up[p.Header.SrcPort]
				switch {
				case p.Has(wire.ChunkCookieEcho):
					up[p.Header.SrcPort] = p.Header.Tag
				case p.Has(wire.ChunkCookieAck):
					up[p.Header.SrcPort] = p.Header.Tag
				case p.Has(wire.ChunkInit) && is:
					gone[tag] = true
				case gone[p.Header.Tag]:
					return nil
				}
				return Only(p)
			}}
		},
	},
	{
		Name:   "INIT and INIT ACK say little",
		Caught: []string{"9260/3.3.2/10", "9260/3.3.3/1"},
		New:    outgoingInit(func(in *wire.Init) { in.ARwnd = 1499 }),
	},
	{
		Name:   "INIT and INIT ACK want no streams",
		Caught: []string{"9260/3.3.2/11", "9260/3.3.3/2", "9260/3.3.3/3"},
		New:    outgoingInit(func(in *wire.Init) { in.OutboundStreams, in.InboundStreams = 0, 0 }),
	},
	{
		Name:   "INIT and INIT ACK have what they must not have",
		Caught: []string{"9260/3.3.2/12", "9260/3.3.2/13", "9260/3.3.3/4", "9260/3.3.2.1.2/1", "9260/3.3.2.1.5/1", "9260/5.1/2"},
		New: outgoingInit(func(in *wire.Init) {
			more := wire.AppendParam(nil, wire.ParamHostName, []byte("host\x00"))
			more = wire.AppendParam(more, wire.ParamIPv6, slices.Concat(make([]byte, 10), []byte{0xff, 0xff, 10, 1, 0, 10}))
			more = wire.AppendSupportedAddressTypes(more, wire.ParamHostName)
			more = wire.AppendStateCookie(more, []byte("another"))
			in.Params = slices.Concat(padded(in.Params), more, in.Params)
		}),
	},
	{
		Name:   "Host Name Address is ignored",
		Caught: []string{"9260/3.3.2.1.4/1", "9260/3.3.2.1.4/2"},
		New:    incomingInit(func(in *wire.Init) { in.Params = withoutParam(in.Params, wire.ParamHostName) }),
	},
	{
		Name:   "INIT with Supported Address Types is refused",
		Caught: []string{"9260/3.3.2.1.5/2", "9260/5.1.2/6"},
		New: incoming(func(p *Pkt) *Pkt {
			if in, ok := initIn(p, wire.ChunkInit); ok && len(withoutParam(in.Params, wire.ParamSupportedAddressTypes)) != len(in.Params) {
				return nil
			}
			return p
		}),
	},
	{
		Name:   "an address of a family that is not spoken is reported",
		Caught: []string{"9260/5.1.2/5"},
		New: answering(func(p *Pkt) []byte {
			if in, ok := initIn(p, wire.ChunkInit); ok && len(withoutParam(in.Params, wire.ParamIPv6)) != len(in.Params) {
				return wire.AppendError(nil, wire.AppendUnresolvableAddress(nil, nil))
			}
			return nil
		}),
	},
	{
		Name:   "the Initial TSN counts",
		Caught: []string{"9260/3.3.3/6"},
		New: func() Middlebox {
			var tsn wire.TSN
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				return Only(p.Map(func(c wire.Chunk) []byte {
					return changeInit(c, func(in *wire.Init) { tsn += 64000; in.InitialTSN = tsn })
				}))
			}}
		},
	},
	{
		Name:   "the cookie is cut",
		Caught: []string{"9260/3.3.3/16", "9260/3.3.11/1", "9260/3.2.1/3", "9260/5.1.4/2", "9260/5.2.1/5"},
		New: outgoing(func(p *Pkt) []*Pkt {
			return Only(p.Map(func(c wire.Chunk) []byte {
				if c.Type == wire.ChunkCookieEcho {
					return wire.AppendCookieEcho(nil, c.Value[:len(c.Value)-1])
				}
				return Same(c)
			}))
		}),
	},
	{
		Name:   "DATA comes before COOKIE ECHO",
		Caught: []string{"9260/3.3.11/2", "9260/5.1/6"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkCookieEcho) {
				d := wire.Data{Flags: wire.DataBegin | wire.DataEnd, Payload: []byte("early")}
				return []*Pkt{p.With(d.Append(nil)), p}
			}
			return Only(p)
		}),
	},
	{
		Name:   "COOKIE ACK comes behind what follows it",
		Caught: []string{"9260/3.3.12/1", "9260/5.1/7"},
		New: func() Middlebox {
			var held *Pkt
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				switch {
				case p.Has(wire.ChunkCookieAck) && len(p.Chunks) == 1:
					held = p
					return nil
				case p.Has(wire.ChunkCookieAck):
					rest := p.Without(wire.ChunkCookieAck)
					return Only(p.With(slices.Concat(encoded(rest), [][]byte{wire.AppendCookieAck(nil)})...))
				case held != nil:
					held = nil
					return Only(p.With(append(encoded(p), wire.AppendCookieAck(nil))...))
				}
				return Only(p)
			}}
		},
	},
	{
		Name:   "INIT and COOKIE ECHO are sent once",
		Caught: []string{"9260/4/1", "9260/4/2", "9260/4/3", "9260/5.1/12", "9260/5.1.4/2", "9260/5.2.1/5", "9260/5.2.5/2"},
		New: func() Middlebox {
			seen := map[wire.ChunkType]bool{}
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				t := p.Chunks[0].Type
				if seen[t] && (t == wire.ChunkInit || t == wire.ChunkCookieEcho) {
					return nil
				}
				seen[t] = true
				return Only(p)
			}}
		},
	},
	{
		Name:   "INIT is sent twice each time",
		Caught: []string{"9260/4/2", "9260/5.1.6/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkInit) {
				return []*Pkt{p, p}
			}
			return Only(p)
		}),
	},
	{
		Name:   "a retransmitted INIT has another tag",
		Caught: []string{"9260/5.1.6/1"},
		New: func() Middlebox {
			var n uint32
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if !p.Has(wire.ChunkInit) {
					return Only(p)
				}
				n++
				return Only(p.Map(func(c wire.Chunk) []byte { return changeInit(c, func(in *wire.Init) { in.InitiateTag += n }) }))
			}}
		},
	},
	{
		Name:   "COOKIE ECHO goes on for ever",
		Caught: []string{"9260/4/3"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkCookieEcho) {
				return []*Pkt{p, p}
			}
			return Only(p)
		}),
	},
	{
		Name:   "what belongs to the first address goes to the second",
		Caught: []string{"9260/5.1/3", "9260/5.1.2/1"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Remote.Addr() == testerAddrs[0] && (p.Has(wire.ChunkInitAck) || p.Has(wire.ChunkSack)) {
				p.Remote = netip.AddrPortFrom(testerAddrs[1], p.Remote.Port())
			}
			return Only(p)
		}),
	},
	{
		Name:   "HEARTBEAT ACK goes to the first address",
		Caught: []string{"9260/3.3.6/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkHeartbeatAck) {
				p.Remote = netip.AddrPortFrom(testerAddrs[0], p.Remote.Port())
			}
			return Only(p)
		}),
	},
	{
		Name:   "Heartbeat Info comes back short",
		Caught: []string{"9260/3.3.6/1"},
		New: outgoing(func(p *Pkt) []*Pkt {
			return Only(p.Map(func(c wire.Chunk) []byte {
				if info, err := wire.ParseHeartbeat(c); err == nil && c.Type == wire.ChunkHeartbeatAck {
					return wire.AppendHeartbeat(nil, c.Type, info[:min(len(info), 32)])
				}
				return Same(c)
			}))
		}),
	},
	{
		Name:   "HEARTBEAT has no nonce",
		Caught: []string{"9260/3.3.5/1"},
		New: outgoing(func(p *Pkt) []*Pkt {
			return Only(p.Map(func(c wire.Chunk) []byte {
				if c.Type == wire.ChunkHeartbeat {
					return wire.AppendHeartbeat(nil, c.Type, []byte("the same each time"))
				}
				return Same(c)
			}))
		}),
	},
	{
		Name:   "only the first address of the other side counts",
		Caught: []string{"9260/5.1.2/2", "9260/5.1.2/7"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Remote.Addr() != testerAddrs[0] {
				return nil
			}
			return p
		}),
	},
	{
		Name:   "only listed addresses count",
		Caught: []string{"9260/5.1.2/3", "9260/5.1.2/7"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Remote.Addr() == testerAddrs[0] && p.Has(wire.ChunkHeartbeat) {
				return nil
			}
			return p
		}),
	},
	{
		Name:   "new addresses in INIT are not looked at",
		Caught: []string{"9260/5.1.2/4", "9260/5.2.1/3", "9260/5.2.1/4", "9260/5.2.2/6"},
		New:    incomingInit(func(in *wire.Init) { in.Params = withoutParam(in.Params, wire.ParamIPv4) }),
	},
	{
		Name: "ABORT is never sent",
		Caught: []string{"9260/3.3.2/4", "9260/3.3.2/6", "9260/3.3.2/8", "9260/3.3.2.1.4/1", "9260/3.3.2.1.4/2", "9260/3.3.3/9", "9260/3.3.3/11", "9260/3.3.3/13", "9260/3.3.3/15",
			"9260/5.1/8", "9260/5.1/9", "9260/5.2.1/4", "9260/5.2.2/6"},
		New: outgoing(func(p *Pkt) []*Pkt { return Only(p.Without(wire.ChunkAbort)) }),
	},
	{
		Name:   "ABORT has a tag of its own, and no cause",
		Caught: []string{"9260/3.3.2/4", "9260/3.3.2/6", "9260/3.3.2/8", "9260/3.3.2.1.4/1", "9260/3.3.3/9", "9260/3.3.3/15", "9260/5.1/9", "9260/5.1/10", "9260/5.2.2/6"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkAbort) {
				q := p.With(wire.AppendAbort(nil, false, nil))
				q.Header.Tag++
				return Only(q)
			}
			return Only(p)
		}),
	},
	{
		Name:   "the addresses that an INIT adds are listed wrongly",
		Caught: []string{"9260/5.2.2/7"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkAbort) {
				return Only(p.With(wire.AppendAbort(nil, false, wire.AppendRestartNewAddresses(nil, testerAddrs...))))
			}
			return Only(p)
		}),
	},
	{
		Name:   "ABORT is answered, and so is what should be ignored",
		Caught: []string{"9260/3.3.7/2", "9260/5.2.3/1", "9260/5.2.5/1", "9260/5.2.5/2", "9260/5.2.6/1"},
		New: answering(func(p *Pkt) []byte {
			if p.Has(wire.ChunkAbort) || p.Has(wire.ChunkInitAck) || p.Has(wire.ChunkCookieAck) || p.Has(wire.ChunkError) {
				return wire.AppendAbort(nil, false, nil)
			}
			return nil
		}),
	},
	{
		Name:   "every INIT ACK gets a COOKIE ECHO",
		Caught: []string{"9260/5.2.3/2", "9260/5.2.3/1", "9260/3.3.2.1.4/2"},
		New: answering(func(p *Pkt) []byte {
			in, ok := initIn(p, wire.ChunkInitAck)
			for x, err := range wire.Params(in.Params) {
				if ok && err == nil && x.Type == wire.ParamStateCookie {
					return wire.AppendCookieEcho(nil, x.Value)
				}
			}
			return nil
		}),
	},
	{
		Name:   "every COOKIE ECHO gets a COOKIE ACK",
		Caught: []string{"9260/5.1.3/1", "9260/5.1.5/1", "9260/5.1.5/2", "9260/5.1.5/3", "9260/5.1.5/5", "9260/5.2.4/2", "9260/5.2.4/6", "9260/5.2.4/7"},
		New: answering(func(p *Pkt) []byte {
			if p.Has(wire.ChunkCookieEcho) {
				return wire.AppendCookieAck(nil)
			}
			return nil
		}),
	},
	{
		Name:   "the last bytes of a cookie are not looked at",
		Caught: []string{"9260/5.1.3/1", "9260/5.1.5/1"},
		New: func() Middlebox {
			cookies := map[uint16][]byte{}
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					if in, ok := initIn(p, wire.ChunkInitAck); ok {
						for x := range wire.Params(in.Params) {
							if x.Type == wire.ParamStateCookie {
								cookies[p.Header.DstPort] = bytes.Clone(x.Value)
							}
						}
					}
					return Only(p)
				},
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					return Only(p.Map(func(c wire.Chunk) []byte {
						if good := cookies[p.Header.SrcPort]; c.Type == wire.ChunkCookieEcho && len(good) == len(c.Value) {
							return wire.AppendCookieEcho(nil, good)
						}
						return Same(c)
					}))
				},
			}
		},
	},
	{
		Name:   "ERROR is never sent",
		Caught: []string{"9260/3.2/2", "9260/3.2/4", "9260/5.1.5/4", "9260/5.2.4/2", "9260/5.2.4/6"},
		New:    outgoing(func(p *Pkt) []*Pkt { return Only(p.Without(wire.ChunkError)) }),
	},
	{
		Name:   "a cookie is taken once",
		Caught: []string{"9260/5.2.4/4", "9260/5.2.4/5"},
		New: func() Middlebox {
			seen := map[string]bool{}
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if p.Chunks[0].Type == wire.ChunkCookieEcho {
					k := string(p.Chunks[0].Value)
					if seen[k] {
						return nil
					}
					seen[k] = true
				}
				return Only(p)
			}}
		},
	},
	{
		Name:   "half-open associations take room, and only a thousand have it",
		Caught: []string{"9260/5.1/5"},
		New: func() Middlebox {
			var open []uint16
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if p.Has(wire.ChunkInit) {
					open = append(open, p.Header.SrcPort)
					open = open[max(0, len(open)-1000):]
				}
				if p.Has(wire.ChunkCookieEcho) && !slices.Contains(open, p.Header.SrcPort) {
					return nil
				}
				return Only(p)
			}}
		},
	},
	{
		Name:   "INIT ACK is retransmitted",
		Caught: []string{"9260/5.1/4"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkInitAck) {
				return []*Pkt{p, p}
			}
			return Only(p)
		}),
	},
	{
		Name:   "INIT ACK has another tag than the INIT of the same attempt",
		Caught: []string{"9260/5.2.1/1", "9260/5.2.1/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if !p.Has(wire.ChunkInitAck) {
				return Only(p)
			}
			return Only(p.Map(func(c wire.Chunk) []byte { return changeInit(c, func(in *wire.Init) { in.InitiateTag++ }) }))
		}),
	},
	{
		Name:   "INIT ACK offers less streams each time",
		Caught: []string{"9260/5.2.2/4"},
		New: func() Middlebox {
			var n uint16
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				return Only(p.Map(func(c wire.Chunk) []byte { return changeInit(c, func(in *wire.Init) { n++; in.OutboundStreams -= n }) }))
			}}
		},
	},
	{
		Name:   "tags are never changed",
		Caught: []string{"9260/5.2.2/3", "9260/5.3.1/1", "9260/5.3.1/2"},
		New: func() Middlebox {
			const always = 0x01020304
			var real uint32
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					return Only(p.Map(func(c wire.Chunk) []byte {
						return changeInit(c, func(in *wire.Init) { real, in.InitiateTag = in.InitiateTag, always })
					}))
				},
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					if p.Header.Tag == always {
						p.Header.Tag, p.Raw = real, nil
					}
					return Only(p)
				},
			}
		},
	},
	{
		Name:   "INIT is not taken once there is an association",
		Caught: []string{"9260/5.2.2/1", "9260/5.2.2/2", "9260/5.2.2/9"},
		New: func() Middlebox {
			up := map[uint16]bool{}
			return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if up[p.Header.SrcPort] && p.Has(wire.ChunkInit) {
					return nil
				}
				up[p.Header.SrcPort] = up[p.Header.SrcPort] || p.Has(wire.ChunkCookieEcho) || p.Has(wire.ChunkCookieAck)
				return Only(p)
			}}
		},
	},
	{
		Name:   "a restart is acknowledged, and the old association stays",
		Caught: []string{"9260/5.2.4/1"},
		New: func() Middlebox {
			first := map[uint16]bool{}
			tags := tagsOf{}
			return Middlebox{
				Out: func(p *Pkt) []*Pkt { tags.out(p); return Only(p) },
				In: func(p *Pkt, back func(*Pkt)) []*Pkt {
					tags.in(p)
					if !p.Has(wire.ChunkCookieEcho) {
						return Only(p)
					}
					if first[p.Header.SrcPort] {
						back(tags.answer(p, wire.AppendCookieAck(nil)))
						return nil
					}
					first[p.Header.SrcPort] = true
					return Only(p)
				},
			}
		},
	},
}

// initIn is the INIT or INIT ACK of a packet.
func initIn(p *Pkt, t wire.ChunkType) (wire.Init, bool) {
	for _, c := range p.Chunks {
		if in, err := wire.ParseInit(c); err == nil && c.Type == t {
			return in, true
		}
	}
	return wire.Init{}, false
}

// padded are parameters with the padding of the last one.
func padded(params []byte) []byte {
	return append(bytes.Clone(params), make([]byte, (4-len(params)%4)%4)...)
}

// encoded are the chunks of a packet; none of nil.
func encoded(p *Pkt) (chunks [][]byte) {
	if p == nil {
		return nil
	}
	for _, c := range p.Chunks {
		chunks = append(chunks, Same(c))
	}
	return chunks
}

// outgoingInit is a middlebox that changes what S says of itself.
func outgoingInit(change func(*wire.Init)) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt {
		return Only(p.Map(func(c wire.Chunk) []byte { return changeInit(c, change) }))
	})
}

// incomingInit is one that changes what S hears of the other side.
func incomingInit(change func(*wire.Init)) func() Middlebox {
	return incoming(func(p *Pkt) *Pkt {
		return p.Map(func(c wire.Chunk) []byte { return changeInit(c, change) })
	})
}
