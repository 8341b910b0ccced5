// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// causeMutants break what ERROR, ABORT and ASCONF-ACK chunks say of a cause, and which packets they come in.
var causeMutants = []Mutant{
	{Name: "causes hold something else", Caught: []string{"9260/6.2/14", "9260/6.5/2", "9260/9.1/3", "4895/6.3/4"},
		New: causes(func(b []byte) []byte {
			for i := range b {
				b[i] ^= 0xff
			}
			return b
		})},
	{Name: "causes hold nothing", Caught: []string{"9260/5.1.5/4", "9260/6.2/14", "9260/6.5/2", "4895/6.3/4"}, New: causes(func([]byte) []byte { return nil })},
	{Name: "ERROR has a tag of its own", Caught: []string{"9260/5.1.5/4"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkError) {
				p.Header.Tag, p.Raw = p.Header.Tag+1, nil
			}
			return Only(p)
		})},
	{Name: "a refused deletion is not in the cause", Caught: []string{"5061/5.3/4"},
		New: changedAsconfAck(func(c *wire.AsconfAck) {
			c.Params = eachParam(c.Params, func(p wire.Param) []byte {
				r, err := p.AsconfResponse()
				if err != nil {
					return asIs(p)
				}
				r.Causes = eachCause(r.Causes, func([]byte) []byte { return nil })
				return r.Append(nil)
			})
		})},
	{Name: "every request of an ASCONF is refused", Caught: []string{"5061/4.2.1/1"},
		New: changedAsconfAck(func(c *wire.AsconfAck) {
			r := wire.AsconfResponse{ID: 1, Causes: wire.AppendCause(nil, wire.CauseResourceShortage, nil)}
			c.Params = r.Append(nil)
		})},
	{Name: "the first ASCONF is given up when it is not known, and the next one is sent", Caught: []string{"5061/5.1/4"},
		New: resigned(false, func(p *Pkt) *Pkt {
			for _, c := range p.Chunks {
				for _, x := range tester.Causes(&tester.Chunk{Chunk: c}) {
					raw, _, err := wire.NextChunk(x.Value)
					if c.Type != wire.ChunkError || x.Code != wire.CauseUnrecognizedChunk || err != nil {
						continue
					}
					sent, _ := wire.ParseAsconf(raw)
					auth := wire.Auth{HMACID: wire.HMACSHA1, HMAC: make([]byte, wire.HMACSHA1.Size())}
					ack := wire.AsconfAck{Seq: sent.Seq}
					return p.With(auth.Append(nil), ack.Append(nil))
				}
			}
			return p
		})},
}

// causes is a middlebox that changes what the causes in the ERROR and ABORT chunks of S hold.
func causes(change func([]byte) []byte) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt {
		if !p.Has(wire.ChunkError) && !p.Has(wire.ChunkAbort) {
			return Only(p)
		}
		return Only(p.Map(func(c wire.Chunk) []byte {
			if c.Type != wire.ChunkError && c.Type != wire.ChunkAbort {
				return Same(c)
			}
			return wire.AppendChunk(nil, c.Type, c.Flags, eachCause(c.Value, change))
		}))
	})
}

// eachCause are causes whose values are changed.
func eachCause(b []byte, change func([]byte) []byte) (out []byte) {
	for x, err := range wire.Causes(b) {
		if err == nil {
			out = wire.AppendCause(padded(out), x.Code, change(bytes.Clone(x.Value)))
		}
	}
	return out
}
