// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// addStreams changes requests for more streams, in either direction.
func addStreams(dir func(wire.ChunkType, func(wire.Chunk) []byte) func() Middlebox, f func(*wire.AddStreams)) func() Middlebox {
	return reconfigs(dir, func(p wire.Param) []byte {
		r, err := p.AddStreams()
		if err != nil {
			return asIs(p)
		}
		f(&r)
		return r.Append(nil)
	})
}

// withReconfig sends a packet with other chunks behind each that has a RE-CONFIG chunk.
func withReconfig(chunks func(wire.Reconfig) []byte) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt {
		for _, c := range p.Chunks {
			if r, err := wire.ParseReconfig(c); c.Type == wire.ChunkReconfig && err == nil {
				return []*Pkt{p, p.With(chunks(r))}
			}
		}
		return Only(p)
	})
}

// reconfigMutants break RFC 6525 in ways of their own.
var reconfigMutants = []Mutant{
	{Name: "the first request of a RE-CONFIG is performed, whatever comes behind it", Caught: []string{"6525/3.1/1"},
		New: arriving(wire.ChunkReconfig, func(c wire.Chunk) []byte {
			p, _, err := wire.NextParam(c.Value)
			if err != nil {
				return Same(c)
			}
			r := wire.Reconfig{Params: asIs(p)}
			return r.Append(nil)
		})},
	{Name: "RE-CONFIG is sent to those who do not list it", Caught: []string{"6525/5.1.1/2"},
		New: incomingInit(func(in *wire.Init) {
			in.Params = wire.AppendSupportedExtensions(padded(in.Params), wire.ChunkReconfig)
		})},
	{Name: "two requests are in flight", Caught: []string{"6525/5.1.1/3"},
		New: withReconfig(func(r wire.Reconfig) []byte {
			r.Params = eachParam(r.Params, func(p wire.Param) []byte {
				var s wire.StreamReset
				if p.StreamReset(&s) != nil {
					return nil
				}
				s.RequestSeq++
				return s.Append(nil)
			})
			return r.Append(nil)
		})},
	{Name: "DATA is sent on a stream that was not granted", Caught: []string{"6525/5.1.5/1"},
		New: withReconfig(func(wire.Reconfig) []byte {
			d := wire.Data{Flags: wire.DataBegin | wire.DataEnd, TSN: 1, Stream: 16, Payload: []byte("too early")}
			return d.Append(nil)
		})},
	{Name: "new streams go on from the last SSN", Caught: []string{"6525/5.1.5/2"},
		New: func() Middlebox {
			var last wire.SSN
			return datas(func(d *wire.Data) {
				if d.Stream >= 8 {
					d.SSN += last + 1
				} else {
					last = d.SSN
				}
			})()
		}},
	{Name: "a request that is repeated has a bad sequence number", Caught: []string{"6525/5.2.1/1"},
		New: func() Middlebox {
			seen := map[wire.Seq]bool{}
			return responses(func(r *wire.ReconfigResponse) {
				if seen[r.ResponseSeq] {
					r.Result = wire.ReconfigBadSequenceNumber
				}
				seen[r.ResponseSeq] = true
			})()
		}},
	{Name: "a request that is repeated is performed again", Caught: []string{"6525/5.2.1/1"},
		New: func() Middlebox {
			// To S the repetition is the next request; its response goes back with the number of the first.
			seen := map[wire.Seq]bool{}
			return both(
				streamResets(arriving, func(r *wire.StreamReset) {
					if seen[r.RequestSeq] {
						r.RequestSeq++
					}
					seen[r.RequestSeq] = true
				}),
				responses(func(r *wire.ReconfigResponse) {
					if seen[r.ResponseSeq-1] {
						r.ResponseSeq--
					}
				}))()
		}},
	{Name: "streams that were named are not reset", Caught: []string{"6525/5.2.2/1"},
		New: streamResets(arriving, func(r *wire.StreamReset) {
			for i := range r.Streams {
				r.Streams[i]++
			}
		})},
	{Name: "a reset that was asked for has the number of another request", Caught: []string{"6525/5.2.3/1"},
		New: streamResets(outbound, func(r *wire.StreamReset) { r.ResponseSeq-- })},
	{Name: "one stream is added, whatever is asked for", Caught: []string{"6525/5.2.5/2"},
		New: addStreams(arriving, func(r *wire.AddStreams) { r.Streams = 1 })},
	{Name: "outgoing streams that the peer asks for are not asked for in turn", Caught: []string{"6525/5.2.6/1"},
		New: reconfigs(outbound, func(p wire.Param) []byte {
			if p.Type == wire.ParamAddOutgoingStreams {
				return nil
			}
			return asIs(p)
		})},
}
