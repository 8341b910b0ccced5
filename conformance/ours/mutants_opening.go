// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"encoding/binary"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// openingMutants break what the handshake answers and what goes with it, and the chunks that do not come whole.
var openingMutants = []Mutant{
	{Name: "INIT without parameters is not taken", Caught: []string{"9260/3.3.2/1"},
		New: incoming(func(p *Pkt) *Pkt {
			if in, ok := initIn(p, wire.ChunkInit); ok && len(in.Params) == 0 {
				return nil
			}
			return p
		})},
	{Name: "INIT ACK with nothing but a cookie is not taken", Caught: []string{"9260/3.3.3/7", "9260/5.1.4/1"},
		New: incoming(func(p *Pkt) *Pkt {
			if in, ok := initIn(p, wire.ChunkInitAck); ok && len(withoutParam(in.Params, wire.ParamStateCookie)) == 0 {
				return nil
			}
			return p
		})},
	{Name: "INIT ACK has more streams than INIT takes", Caught: []string{"9260/3.3.3/2"}, New: outgoingInit(func(in *wire.Init) { in.OutboundStreams = 100 })},
	{Name: "COOKIE ECHO is sent after 200 ms", Caught: []string{"9260/5.1.4/1"}, New: late(wire.ChunkCookieEcho, 200*time.Millisecond)},
	{Name: "COOKIE ACK is never sent", Caught: []string{"9260/5.1.5/6", "9260/5.1.5/7", "9260/5.2.4/3", "4895/6.3/6"}, New: without(wire.ChunkCookieAck)},
	{Name: "a COOKIE ECHO is acknowledged, and makes no association", Caught: []string{"9260/5.1.5/6", "9260/5.1.5/7", "4895/6.3/6"},
		New: func() Middlebox {
			tags := tagsOf{}
			return Middlebox{In: func(p *Pkt, back func(*Pkt)) []*Pkt {
				tags.in(p)
				if p.Has(wire.ChunkCookieEcho) {
					back(tags.answer(p, wire.AppendCookieAck(nil)))
					return nil
				}
				return Only(p)
			}}
		}},
	{Name: "what comes with a COOKIE ECHO is lost", Caught: []string{"9260/5.1.5/7"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Has(wire.ChunkCookieEcho) {
				return p.Without(wire.ChunkData)
			}
			return p
		})},
	{Name: "what comes with a COOKIE ECHO is acknowledged later", Caught: []string{"9260/5.1.5/7"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkCookieAck) {
				return apart(p, wire.ChunkSack, 200*time.Millisecond)
			}
			return Only(p)
		})},
	{Name: "COOKIE ECHO is not taken with AUTH", Caught: []string{"4895/6.3/6"},
		New: incoming(func(p *Pkt) *Pkt {
			if p.Has(wire.ChunkAuth) {
				return p.Without(wire.ChunkCookieEcho)
			}
			return p
		})},
	{Name: "T1-init goes on after a COOKIE ECHO", Caught: []string{"9260/5.2.4/3"},
		New: func() Middlebox {
			var init *Pkt
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				switch {
				case p.Has(wire.ChunkInit):
					init = p
				case p.Has(wire.ChunkCookieAck) && init != nil:
					return []*Pkt{p, after(init, time.Second)}
				}
				return Only(p)
			}}
		}},
	{Name: "HEARTBEAT ACK has no tag", Caught: []string{"9260/5.2.4/3"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkHeartbeatAck) {
				p.Header.Tag, p.Raw = 0, nil
			}
			return Only(p)
		})},
	{Name: "a chunk that is longer than its packet is taken as far as it goes", Caught: []string{"9260/3.3.7/1", "9260/6.10/3"},
		New: mending(func(b []byte, chunk int) []byte {
			binary.BigEndian.PutUint16(b[chunk+2:], uint16(len(b)-chunk))
			return b
		})},
	{Name: "a packet with a chunk that is longer is not looked at", Caught: []string{"9260/6.10/3"},
		New: mending(func([]byte, int) []byte { return nil })},
	{Name: "an ABORT that is longer than its packet is answered", Caught: []string{"9260/3.3.7/1"},
		New: mending(func(b []byte, chunk int) []byte { return wire.AppendHeartbeat(b[:chunk], wire.ChunkHeartbeat, nil) })},
}

// after is a copy of a packet that goes out later.
func after(p *Pkt, d time.Duration) *Pkt {
	q := p.Clone()
	q.Delay += d
	return q
}

// late is a middlebox that sends packets with a type of chunk later.
func late(t wire.ChunkType, d time.Duration) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt {
		if p.Has(t) {
			return Only(after(p, d))
		}
		return Only(p)
	})
}

// apart are two packets: one without the chunks of a type, and later one with those only.
func apart(p *Pkt, t wire.ChunkType, d time.Duration) (out []*Pkt) {
	rest := p.Without(t)
	if rest == p {
		return Only(p)
	}
	these := p.Map(func(c wire.Chunk) []byte {
		if c.Type != t {
			return nil
		}
		return Same(c)
	})
	return append(Only(rest), after(these, d))
}

// mending is a middlebox that changes packets whose last chunk is longer than the packet; chunk is where that begins.
func mending(f func(b []byte, chunk int) []byte) func() Middlebox {
	return func() Middlebox {
		return Middlebox{Mend: func(b []byte) []byte {
			for at := wire.HeaderLen; at+wire.ChunkHeaderLen <= len(b); {
				n := int(binary.BigEndian.Uint16(b[at+2:]))
				if at+n > len(b) {
					return f(b, at)
				}
				at += (max(n, wire.ChunkHeaderLen) + 3) &^ 3
			}
			return b
		}}
	}
}
