// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// addressMutants break which addresses and UDP ports are used, and the order of ASCONF chunks (RFC 5061, RFC 6951).
var addressMutants = []Mutant{
	{Name: "packets come from another UDP port", Caught: []string{"6951/5.3/1"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkHeartbeatAck) {
				p.Local = addrPort(p.Local.Addr(), p.Local.Port()+1)
			}
			return Only(p)
		})},
	{Name: "INIT with Delete IP Address is not answered", Caught: []string{"5061/4.2/1"},
		New: incoming(func(p *Pkt) *Pkt {
			if in, ok := initIn(p, wire.ChunkInit); ok && hasParam(in.Params, wire.ParamDeleteIP) {
				return nil
			}
			return p
		})},
	{Name: "the address 0.0.0.0 deletes nothing", Caught: []string{"5061/4.2.2/1"},
		New: asconfs(func(x *wire.Asconf) {
			keepRequests(x, func(r wire.AsconfRequest) bool { return !r.Address.IsUnspecified() })
		})},
	{Name: "addresses are not deleted", Caught: []string{"5061/4.2.2/1", "5061/5.3/6", "5061/5.3/7"},
		New: asconfs(func(x *wire.Asconf) {
			keepRequests(x, func(r wire.AsconfRequest) bool { return r.Type != wire.ParamDeleteIP })
		})},
	{Name: "an address that was deleted is still probed", Caught: []string{"5061/4.2.2/1", "5061/5.3/7"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if !p.Has(wire.ChunkAsconfAck) {
				return Only(p)
			}
			probe := after(p.With(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("still there?"))), 200*time.Millisecond)
			probe.Remote = addrPort(testerAddrs[1], p.Remote.Port())
			return []*Pkt{p, probe}
		})},
	{Name: "HEARTBEAT has a nonce of four bytes", Caught: []string{"5061/5.3/3", "9260/3.3.5/1"},
		New: outbound(wire.ChunkHeartbeat, func(c wire.Chunk) []byte {
			info, err := wire.ParseHeartbeat(c)
			if err != nil {
				return nil
			}
			return wire.AppendHeartbeat(nil, c.Type, info[:4])
		})},
	{Name: "an address is added before another is deleted", Caught: []string{"5061/5.2/5"},
		New: asconfs(func(x *wire.Asconf) {
			if all := requestsIn(*x); len(all) == 2 {
				x.Params = all[0].Append(all[1].Append(nil))
			}
		})},
	{Name: "the first ASCONF is numbered from Initial TSN + 1", Caught: []string{"5061/5.2/1"},
		New: asconfs(func(x *wire.Asconf) { x.Seq-- })},
	{Name: "an ASCONF-ACK that nobody waits for is ignored", Caught: []string{"5061/5.3/1"}, New: arriving(wire.ChunkAsconfAck, func(wire.Chunk) []byte { return nil })},
	{Name: "all requests have one Correlation ID", Caught: []string{"5061/5.1/2"}, New: changedAsconf(func(x *wire.Asconf) {
		all := requestsIn(*x)
		x.Params = nil
		for _, r := range all {
			r.ID = 1
			x.Params = r.Append(x.Params)
		}
	})},
	{Name: "ASCONF goes on after an ERROR that it is not known", Caught: []string{"5061/5.1/4"}, New: arriving(wire.ChunkError, func(wire.Chunk) []byte { return nil })},
	{Name: "the next ASCONF does not wait for the ASCONF-ACK", Caught: []string{"5061/5.1.1/1"}, New: outgoing(func(p *Pkt) []*Pkt {
		next := changeAsconf(p, func(x *wire.Asconf) { x.Seq++ })
		if next == p {
			return Only(p)
		}
		return []*Pkt{p, next}
	})},
	{Name: "a new address is used before it is acknowledged", Caught: []string{"5061/5.3/8"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkData) {
				p.Local = addrPort(spareAddrs[0], p.Local.Port())
			}
			return Only(p)
		})},
	{Name: "ASCONF comes from the address that it deletes", Caught: []string{"5061/5.3/9"},
		New: outgoing(func(p *Pkt) []*Pkt {
			for _, c := range p.Chunks {
				if c.Type != wire.ChunkAsconf {
					continue
				}
				x, _ := wire.ParseAsconf(c)
				for _, r := range requestsIn(x) {
					if r.Type == wire.ParamDeleteIP {
						p.Local = addrPort(r.Address, p.Local.Port())
					}
				}
			}
			return Only(p)
		})},
}

// requestsIn are those of an ASCONF.
func requestsIn(x wire.Asconf) (all []wire.AsconfRequest) {
	for p, err := range wire.Params(x.Params) {
		if r, wrong := p.AsconfRequest(); err == nil && wrong == nil {
			all = append(all, r)
		}
	}
	return all
}

// keepRequests keeps those of an ASCONF that pick says.
func keepRequests(x *wire.Asconf, pick func(wire.AsconfRequest) bool) {
	all := requestsIn(*x)
	x.Params = nil
	for _, r := range all {
		if pick(r) {
			x.Params = r.Append(x.Params)
		}
	}
}

// changeAsconf changes the ASCONF chunks of a packet.
func changeAsconf(p *Pkt, change func(*wire.Asconf)) *Pkt {
	if !p.Has(wire.ChunkAsconf) {
		return p
	}
	return p.Map(func(c wire.Chunk) []byte {
		x, err := wire.ParseAsconf(c)
		if c.Type != wire.ChunkAsconf || err != nil {
			return Same(c)
		}
		change(&x)
		return x.Append(nil)
	})
}

// changedAsconf is a middlebox that changes the ASCONF chunks that S sends.
func changedAsconf(change func(*wire.Asconf)) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt { return Only(changeAsconf(p, change)) })
}

// asconfs is one that changes those that S gets.
func asconfs(change func(*wire.Asconf)) func() Middlebox {
	return resigned(false, func(p *Pkt) *Pkt { return changeAsconf(p, change) })
}
