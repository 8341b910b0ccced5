// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"net/netip"

	"github.com/rserpool/rserpool/sctp/wire"
)

// encapMutants break RFC 6951.
var encapMutants = []Mutant{
	{Name: "UDP ports are never learned again", Caught: []string{"6951/5.4/1"}, New: firstPort(true)},
	{Name: "one UDP port for all addresses of a peer", Caught: []string{"6951/5.1/1"}, New: firstPort(false)},
	{Name: "answers go to port 9899", Caught: []string{"6951/5.3/2"}, New: func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkHeartbeatAck) {
				p.Remote = addrPort(p.Remote.Addr(), 9899)
			}
			return Only(p)
		}}
	}},
	{Name: "bytes behind the last chunk", Caught: []string{"6951/5.3/3"}, New: func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkData) {
				p = p.Clone()
				p.Raw, p.Tail = nil, []byte{0, 0}
			}
			return Only(p)
		}}
	}},
	{Name: "no CRC32c, since UDP has a checksum", Caught: []string{"6951/5.3/4"}, New: func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkData) {
				p = p.Clone()
				p.Raw, p.Sum = nil, new(uint32)
			}
			return Only(p)
		}}
	}},
	{Name: "the UDP port is learned before the tag is checked", Caught: []string{"6951/5.4/2"}, New: func() Middlebox {
		var last netip.AddrPort
		return Middlebox{
			In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if !last.IsValid() || p.Has(wire.ChunkHeartbeat) {
					last = p.Remote
				}
				return Only(p)
			},
			Out: func(p *Pkt) []*Pkt {
				p.Remote = last
				return Only(p)
			},
		}
	}},
	{Name: "addresses in INIT ACK behind NAT", Caught: []string{"6951/3.2/1"}, New: func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if !p.Has(wire.ChunkInitAck) {
				return Only(p)
			}
			return Only(p.Map(func(c wire.Chunk) []byte {
				padded := append([]byte(nil), c.Value...)
				for len(padded)%4 != 0 {
					padded = append(padded, 0)
				}
				return wire.AppendChunk(nil, c.Type, c.Flags, wire.AppendAddress(padded, systemAddr))
			}))
		}}
	}},
	{Name: "the UDP header is not counted in the path MTU", Caught: []string{"6951/5.6/1"}, New: func() Middlebox {
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if n := 1480 - len(p.Raw); n > 0 && n < 100 && p.Has(wire.ChunkData) {
				p = p.Clone()
				p.Tail = wire.AppendPad(nil, n)
				p.Raw = nil
			}
			return Only(p)
		}}
	}},
}

// firstPort is a middlebox that sends all packets to the first UDP port that S has heard of: of each address, or of all.
func firstPort(each bool) func() Middlebox {
	return func() Middlebox {
		ports := map[netip.Addr]uint16{}
		key := func(r netip.AddrPort) netip.Addr {
			if each {
				return r.Addr()
			}
			return netip.Addr{}
		}
		return Middlebox{
			In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
				if ports[key(p.Remote)] == 0 {
					ports[key(p.Remote)] = p.Remote.Port()
				}
				return Only(p)
			},
			Out: func(p *Pkt) []*Pkt {
				if port := ports[key(p.Remote)]; port != 0 {
					p.Remote = addrPort(p.Remote.Addr(), port)
				}
				return Only(p)
			},
		}
	}
}
