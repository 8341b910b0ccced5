// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// addIPMutants break RFC 5061.
var addIPMutants = []Mutant{
	{Name: "ASCONF-ACK without AUTH", Caught: []string{"5061/4.1.2/1"}, New: without(wire.ChunkAuth)},
	{Name: "ASCONF-ACK with another sequence number", Caught: []string{"5061/4.1.2/2", "5061/5.2/3"}, New: changedAsconfAck(func(c *wire.AsconfAck) { c.Seq++ })},
	{Name: "ASCONF-ACK is sent once", Caught: []string{"5061/5.2/3"}, New: once(wire.ChunkAsconfAck)},
	{Name: "an ASCONF that comes again is granted", Caught: []string{"5061/5.2/3"}, New: func() Middlebox {
		n := 0
		return changedAsconfAck(func(c *wire.AsconfAck) {
			if n++; n > 1 {
				c.Params = nil
			}
		})()
	}},
	{Name: "no responses in ASCONF-ACK", Caught: []string{"5061/5.2/6", "5061/5.2/7", "5061/5.3/4", "5061/5.3/5"}, New: changedAsconfAck(func(c *wire.AsconfAck) { c.Params = nil })},
	{Name: "all responses have the first Correlation ID", Caught: []string{"5061/5.2/7", "5061/4.2.1/2"}, New: changedAsconfAck(func(c *wire.AsconfAck) {
		for p, err := range wire.Params(c.Params) {
			if err == nil && len(p.Value) >= 4 {
				copy(p.Value, []byte{0, 0, 0, 1})
			}
		}
	})},
	{Name: "new addresses are not probed", Caught: []string{"5061/5.3/3", "5061/4.2.1/1"}, New: outgoing(func(p *Pkt) []*Pkt {
		if p.Remote.Addr() == testerAddrs[1] {
			return Only(p.Without(wire.ChunkHeartbeat))
		}
		return Only(p)
	})},
	{Name: "ASCONF-ACK goes to the primary address", Caught: []string{"5061/5.2/8", "5061/5.3.2/1"}, New: outgoing(func(p *Pkt) []*Pkt {
		if p.Has(wire.ChunkAsconfAck) {
			p.Remote = addrPort(testerAddrs[0], p.Remote.Port())
		}
		return Only(p)
	})},
	{Name: "Set Primary is not obeyed", Caught: []string{"5061/5.4/1"}, New: outgoing(func(p *Pkt) []*Pkt {
		if p.Has(wire.ChunkData) {
			p.Remote = addrPort(testerAddrs[0], p.Remote.Port())
		}
		return Only(p)
	})},
	{Name: "Set Primary is obeyed for every address", Caught: []string{"5061/5.4/2"}, New: outgoing(func(p *Pkt) []*Pkt {
		if p.Has(wire.ChunkData) {
			p.Remote = addrPort(testerAddrs[1], p.Remote.Port())
		}
		return Only(p)
	})},
	{Name: "data goes to addresses that are not confirmed", Caught: []string{"5061/5.3/2", "9260/5.4/1", "9260/5.4/2"}, New: func() Middlebox {
		n := 0
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkData) {
				if n++; n > 1 {
					p.Remote = addrPort(testerAddrs[1], p.Remote.Port())
				}
			}
			return Only(p)
		}}
	}},
	{Name: "an ASCONF sent again has another sequence number", Caught: []string{"5061/5.1/3"}, New: func() Middlebox {
		n := wire.Seq(0)
		return changedAsconf(func(x *wire.Asconf) { x.Seq += n; n++ })()
	}},
	{Name: "the first ASCONF has any sequence number", Caught: []string{"5061/5.1/1"}, New: changedAsconf(func(x *wire.Asconf) { x.Seq += 5 })},
	{Name: "an ASCONF from the future is accepted", Caught: []string{"5061/5.2/2"}, New: answeringChunk(wire.ChunkAsconf, func(wire.Chunk) []byte {
		ack := wire.AsconfAck{}
		return ack.Append(nil)
	})},
	{Name: "INIT with ASCONF and without AUTH is accepted", Caught: []string{"5061/6/1", "5061/6/2"}, New: incomingInit(func(in *wire.Init) {
		if !hasParam(in.Params, wire.ParamRandom) {
			in.Params = withoutParam(in.Params, wire.ParamSupportedExtensions)
		}
	})},
	{Name: "Supported Extensions twice", Caught: []string{"5061/4.2.7/2"}, New: outgoingInit(func(in *wire.Init) {
		in.Params = wire.AppendSupportedExtensions(padded(in.Params), wire.ChunkReconfig)
	})},
	{Name: "ASCONF without ASCONF-ACK in Supported Extensions", Caught: []string{"5061/4.2.7/1"}, New: outgoingInit(func(in *wire.Init) {
		in.Params = wire.AppendSupportedExtensions(padded(withoutParam(in.Params, wire.ParamSupportedExtensions)), wire.ChunkAsconf)
	})},
}

func changedAsconfAck(change func(*wire.AsconfAck)) func() Middlebox {
	return outbound(wire.ChunkAsconfAck, func(c wire.Chunk) []byte {
		ack, err := wire.ParseAsconfAck(c)
		if err != nil {
			return Same(c)
		}
		change(&ack)
		return ack.Append(nil)
	})
}

func hasParam(params []byte, t wire.ParamType) bool {
	for p, err := range wire.Params(params) {
		if err == nil && p.Type == t {
			return true
		}
	}
	return false
}
