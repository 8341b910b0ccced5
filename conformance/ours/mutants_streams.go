// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// arriving is a middlebox that changes the chunks of a type that S receives. nil drops one.
func arriving(t wire.ChunkType, f func(wire.Chunk) []byte) func() Middlebox {
	return func() Middlebox {
		return Middlebox{In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
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

// dropped drops chunks of a type that S sends, of which pick says so. n counts them.
func dropped(t wire.ChunkType, pick func(n int) bool) func() Middlebox {
	return func() Middlebox {
		n := 0
		return outbound(t, func(c wire.Chunk) []byte {
			if n++; pick(n) {
				return nil
			}
			return Same(c)
		})()
	}
}

// forwards changes FORWARD TSN chunks.
func forwards(dir func(wire.ChunkType, func(wire.Chunk) []byte) func() Middlebox, f func(*wire.ForwardTSN)) func() Middlebox {
	return dir(wire.ChunkForwardTSN, func(c wire.Chunk) []byte {
		var x wire.ForwardTSN
		if wire.ParseForwardTSN(c, &x) != nil {
			return nil
		}
		f(&x)
		return x.Append(nil)
	})
}

// eachParam is the parameters in b, each changed by f.
func eachParam(b []byte, f func(wire.Param) []byte) (out []byte) {
	for len(b) > 0 {
		p, rest, err := wire.NextParam(b)
		if err != nil {
			break
		}
		out = append(out, f(p)...)
		b = rest
	}
	return out
}

// asIs is the parameter as it is, for eachParam.
func asIs(p wire.Param) []byte { return wire.AppendParam(nil, p.Type, p.Value) }

// reconfigs changes the parameters of RE-CONFIG chunks; a chunk without any is dropped.
func reconfigs(dir func(wire.ChunkType, func(wire.Chunk) []byte) func() Middlebox, f func(wire.Param) []byte) func() Middlebox {
	return dir(wire.ChunkReconfig, func(c wire.Chunk) []byte {
		r := wire.Reconfig{Params: eachParam(c.Value, f)}
		if len(r.Params) == 0 {
			return nil
		}
		return r.Append(nil)
	})
}

// responses changes the responses of S.
func responses(f func(*wire.ReconfigResponse)) func() Middlebox {
	return reconfigs(outbound, func(p wire.Param) []byte {
		r, err := p.ReconfigResponse()
		if p.Type != wire.ParamReconfigResponse || err != nil {
			return asIs(p)
		}
		f(&r)
		return r.Append(nil)
	})
}

// streamResets changes Outgoing SSN Reset Requests.
func streamResets(dir func(wire.ChunkType, func(wire.Chunk) []byte) func() Middlebox, f func(*wire.StreamReset)) func() Middlebox {
	return reconfigs(dir, func(p wire.Param) []byte {
		var r wire.StreamReset
		if p.Type != wire.ParamOutgoingReset || p.StreamReset(&r) != nil {
			return asIs(p)
		}
		f(&r)
		return r.Append(nil)
	})
}

// idatas changes I-DATA chunks.
func idatas(dir func(wire.ChunkType, func(wire.Chunk) []byte) func() Middlebox, f func(*wire.IData)) func() Middlebox {
	return dir(wire.ChunkIData, func(c wire.Chunk) []byte {
		d, err := wire.ParseIData(c)
		if err != nil {
			return nil
		}
		f(&d)
		return d.Append(nil)
	})
}

// initAcks changes the parameters of INIT ACKs. padding is what the INIT had.
func initAcks(f func(params, padding []byte) []byte) func() Middlebox {
	return func() Middlebox {
		var padding []byte
		out := outbound(wire.ChunkInitAck, func(c wire.Chunk) []byte {
			in, err := wire.ParseInit(c)
			if err != nil {
				return nil
			}
			in.Params = f(in.Params, padding)
			return in.Append(nil, wire.ChunkInitAck)
		})()
		out.In = func(p *Pkt, _ func(*Pkt)) []*Pkt {
			for _, c := range p.Chunks {
				in, err := wire.ParseInit(c)
				if c.Type != wire.ChunkInit || err != nil {
					continue
				}
				padding = nil
				eachParam(in.Params, func(p wire.Param) []byte {
					if p.Type == wire.ParamPadding {
						padding = p.Raw
					}
					return nil
				})
			}
			return Only(p)
		}
		return out
	}
}

// streamMutants break RFC 3758, 4820, 6525, 7829 and 8260.
var streamMutants = []Mutant{
	{Name: "FORWARD TSN lists streams of unordered messages", Caught: []string{"3758/3.2/1"},
		New: forwards(outbound, func(f *wire.ForwardTSN) { f.Streams = append(f.Streams, wire.SkippedStream{Stream: 2}) })},
	{Name: "FORWARD TSN lists no streams", Caught: []string{"3758/3.5/2"},
		New: forwards(outbound, func(f *wire.ForwardTSN) { f.Streams = nil })},
	{Name: "FORWARD TSN is sent once", Caught: []string{"3758/3.5/4"},
		New: dropped(wire.ChunkForwardTSN, func(n int) bool { return n > 1 })},
	{Name: "FORWARD TSN waits for the next timeout", Caught: []string{"3758/3.5/5"},
		New: dropped(wire.ChunkForwardTSN, func(n int) bool { return n == 1 })},
	{Name: "FORWARD TSN is never sent", Caught: []string{"3758/3.5/1", "3758/3.5/2", "3758/3.5/3", "3758/3.2/1"},
		New: dropped(wire.ChunkForwardTSN, func(int) bool { return true })},
	{Name: "FORWARD TSN is sent to those who do not know it", Caught: []string{"3758/3.3.2/3"},
		New: repeated(func(p *Pkt, _ []*Pkt) []*Pkt {
			f := wire.ForwardTSN{NewCumTSN: dataIn(p)[0].TSN}
			return []*Pkt{p.With(f.Append(nil))}
		})},
	{Name: "what was abandoned is sent again", Caught: []string{"3758/3.5/3"},
		New: func() Middlebox {
			var last *Pkt
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if p.Has(wire.ChunkForwardTSN) && last != nil {
					return []*Pkt{p, last}
				}
				if p.Has(wire.ChunkData) {
					last = p
				}
				return Only(p)
			}}
		}},
	{Name: "FORWARD TSN is ignored", Caught: []string{"3758/3.6/1", "3758/3.6/2", "3758/3.6/3", "3758/3.6/5", "3758/3.6/6", "3758/3.6/7", "3758/3.6/9", "3758/3.3.2/2"},
		New: arriving(wire.ChunkForwardTSN, func(wire.Chunk) []byte { return nil })},
	{Name: "FORWARD TSN releases no messages", Caught: []string{"3758/3.6/7"},
		New: forwards(arriving, func(f *wire.ForwardTSN) { f.Streams = nil })},
	{Name: "FORWARD TSN skips one TSN less", Caught: []string{"3758/3.6/1", "3758/3.6/3"},
		New: forwards(arriving, func(f *wire.ForwardTSN) { f.NewCumTSN-- })},
	{Name: "an old FORWARD TSN moves the cumulative point back", Caught: []string{"3758/3.6/4"},
		New: func() Middlebox {
			var to wire.TSN
			seen := false
			m := sacks(func(s *wire.Sack) bool {
				if seen && to.Less(s.CumTSNAck) {
					s.CumTSNAck = to
				}
				return true
			})()
			m.In = func(p *Pkt, _ func(*Pkt)) []*Pkt {
				for _, c := range p.Chunks {
					var f wire.ForwardTSN
					if c.Type == wire.ChunkForwardTSN && wire.ParseForwardTSN(c, &f) == nil {
						to, seen = f.NewCumTSN, true
					}
				}
				return Only(p)
			}
			return m
		}},
	{Name: "what was skipped is not a duplicate", Caught: []string{"3758/3.6/9"},
		New: sacks(func(s *wire.Sack) bool { s.Dups = nil; return true })},
	{Name: "Forward-TSN-Supported is passed over", Caught: []string{"3758/3.3.2/1"},
		New: initAcks(func(params, _ []byte) []byte {
			return eachParam(params, func(p wire.Param) []byte {
				if p.Type == wire.ParamForwardTSN {
					return nil
				}
				return asIs(p)
			})
		})},

	{Name: "PAD is answered by ERROR", Caught: []string{"4820/3/1", "4820/3/2"},
		New: func() Middlebox {
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					if p.Has(wire.ChunkHeartbeatAck) {
						return []*Pkt{p, p.With(wire.AppendError(nil, wire.AppendUnrecognizedChunk(nil, wire.AppendPad(nil, 4))))}
					}
					return Only(p)
				},
			}
		}},
	{Name: "a padding parameter is reported", Caught: []string{"4820/4/1"},
		New: initAcks(func(params, padding []byte) []byte { return wire.AppendUnrecognizedParam(padded(params), padding) })},
	{Name: "a padding parameter goes into the cookie", Caught: []string{"4820/4/2", "4820/4/3"},
		New: initAcks(func(params, padding []byte) []byte {
			return eachParam(params, func(p wire.Param) []byte {
				if p.Type == wire.ParamStateCookie {
					return wire.AppendStateCookie(nil, append(append([]byte{}, p.Value...), padding...))
				}
				return asIs(p)
			})
		})},
	{Name: "INIT ACK is padded", Caught: []string{"4820/4/4"},
		New: initAcks(func(params, _ []byte) []byte { return wire.AppendPadding(padded(params), 40) })},

	{Name: "responses have another number", Caught: []string{"6525/5.1.7/1", "6525/5.2.1/3"},
		New: responses(func(r *wire.ReconfigResponse) { r.ResponseSeq++ })},
	{Name: "responses always have TSNs", Caught: []string{"6525/5.1.7/2"},
		New: responses(func(r *wire.ReconfigResponse) { r.HasTSNs = true })},
	{Name: "responses never have TSNs", Caught: []string{"6525/5.1.7/3", "6525/5.2.4/1"},
		New: responses(func(r *wire.ReconfigResponse) { r.HasTSNs, r.SenderNextTSN, r.ReceiverNextTSN = false, 0, 0 })},
	{Name: "Sender's Next TSN is the last one", Caught: []string{"6525/5.1.7/3", "6525/5.2.4/1", "6525/5.2.4/2"},
		New: responses(func(r *wire.ReconfigResponse) { r.SenderNextTSN-- })},
	{Name: "every request is performed", Caught: []string{"6525/5.1.7/4", "6525/5.2.2/4", "6525/5.2.5/3"},
		New: responses(func(r *wire.ReconfigResponse) { r.Result = wire.ReconfigPerformed })},
	{Name: "requests are not answered", Caught: []string{"6525/5.2.1/3", "6525/5.2.5/1", "6525/5.2.5/3"},
		New: reconfigs(outbound, func(p wire.Param) []byte {
			if p.Type == wire.ParamReconfigResponse {
				return nil
			}
			return asIs(p)
		})},
	{Name: "all streams are reset instead of those named", Caught: []string{"6525/5.1.2/3", "6525/5.2.3/1"},
		New: streamResets(outbound, func(r *wire.StreamReset) { r.Streams = nil })},
	{Name: "all streams are named", Caught: []string{"6525/5.1.2/4"},
		New: streamResets(outbound, func(r *wire.StreamReset) { r.Streams = append(r.Streams, 0, 1, 2) })},
	{Name: "Sender's Last Assigned TSN is the next one", Caught: []string{"6525/5.1.2/2"},
		New: streamResets(outbound, func(r *wire.StreamReset) { r.LastTSN++ })},
	{Name: "requests are numbered from elsewhere", Caught: []string{"6525/4.1/1"},
		New: streamResets(outbound, func(r *wire.StreamReset) { r.RequestSeq++ })},
	{Name: "requests are not repeated", Caught: []string{"6525/5.1.1/4", "6525/5.2.7/1"},
		New: dropped(wire.ChunkReconfig, func(n int) bool { return n > 1 })},
	{Name: "streams that were not named are reset, too", Caught: []string{"6525/5.2.2/2"},
		New: streamResets(arriving, func(r *wire.StreamReset) { r.Streams = nil })},
	{Name: "no stream named means none is reset", Caught: []string{"6525/5.2.2/3"},
		New: streamResets(arriving, func(r *wire.StreamReset) {
			if len(r.Streams) == 0 {
				r.Streams = []uint16{9}
			}
		})},
	{Name: "DATA is sent on a stream that waits for its reset", Caught: []string{"6525/5.1.2/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if !p.Has(wire.ChunkReconfig) {
					return Only(p)
				}
				d := wire.Data{Flags: wire.DataBegin | wire.DataEnd, TSN: 1, Stream: 1, Payload: []byte("too early")}
				return []*Pkt{p, p.With(d.Append(nil))}
			}}
		}},
	{Name: "streams go on after their reset", Caught: []string{"6525/5.2.7/2", "6525/5.2.4/2"},
		New: func() Middlebox {
			after := false
			m := datas(func(d *wire.Data) {
				if after {
					d.SSN += 2
				}
			})()
			out := m.Out
			m.Out = func(p *Pkt) []*Pkt {
				after = after || p.Has(wire.ChunkReconfig)
				return out(p)
			}
			return m
		}},
	{Name: "there is no SACK with a response", Caught: []string{"6525/5.2.1/2"},
		New: func() Middlebox {
			after := false
			return Middlebox{
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					after = after || p.Has(wire.ChunkReconfig)
					return Only(p)
				},
				Out: func(p *Pkt) []*Pkt {
					if after {
						return Only(p.Without(wire.ChunkSack))
					}
					return Only(p)
				},
			}
		}},
	{Name: "RE-CONFIG is not listed", Caught: []string{"6525/5.1.1/1"},
		New: initAcks(func(params, _ []byte) []byte {
			return eachParam(params, func(p wire.Param) []byte {
				if p.Type == wire.ParamSupportedExtensions {
					return wire.AppendSupportedExtensions(nil, wire.ChunkAuth)
				}
				return asIs(p)
			})
		})},

	{Name: "reserved bits of I-DATA are set", Caught: []string{"8260/2.1/2"},
		New: idatas(outbound, func(d *wire.IData) { d.Flags |= 0x80 })},
	{Name: "ordered and unordered messages have one counter", Caught: []string{"8260/2.1/3", "8260/2.3.2/1"},
		New: idatas(outbound, func(d *wire.IData) {
			if d.Flags&wire.DataUnordered != 0 {
				d.MID++
			}
		})},
	{Name: "the I bit of I-DATA is ignored", Caught: []string{"8260/2.1/4"},
		New: arriving(wire.ChunkIData, func(c wire.Chunk) []byte { return wire.AppendChunk(nil, c.Type, c.Flags&^wire.DataImmediate, c.Value) })},
	{Name: "FSNs begin with 2", Caught: []string{"8260/2.2.2/1"},
		New: idatas(outbound, func(d *wire.IData) {
			if d.Flags&wire.DataBegin == 0 {
				d.FSN++
			}
		})},
	{Name: "DATA is sent instead of I-DATA", Caught: []string{"8260/2.2.1/1"},
		New: outbound(wire.ChunkIData, func(c wire.Chunk) []byte {
			i, err := wire.ParseIData(c)
			if err != nil || i.Flags&wire.DataBegin == 0 || i.Flags&wire.DataEnd == 0 {
				return Same(c)
			}
			d := wire.Data{Flags: i.Flags, TSN: i.TSN, Stream: i.Stream, SSN: wire.SSN(i.MID), PPID: i.PPID, Payload: i.Payload}
			return d.Append(nil)
		})},
	{Name: "DATA and I-DATA may be mixed", Caught: []string{"8260/2.2.3/4", "8260/2.2.3/5", "8260/2.3.1/3"},
		New: dropped(wire.ChunkAbort, func(int) bool { return true })},
	{Name: "FORWARD TSN is sent instead of I-FORWARD-TSN", Caught: []string{"8260/2.3.1/1"},
		New: outbound(wire.ChunkIForwardTSN, func(c wire.Chunk) []byte {
			var f wire.IForwardTSN
			if wire.ParseIForwardTSN(c, &f) != nil {
				return nil
			}
			g := wire.ForwardTSN{NewCumTSN: f.NewCumTSN}
			return g.Append(nil)
		})},

	{Name: "a potentially failed path gets new data, and one that has recovered none", Caught: []string{"7829/3.2/1", "7829/3.2/4"},
		New: towards(wire.ChunkData, func(n int) bool { return n == 3 })},
	{Name: "a potentially failed path gets a HEARTBEAT per HB.interval", Caught: []string{"7829/3.2/2"},
		New: func() Middlebox {
			var last time.Time
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				if !p.Has(wire.ChunkHeartbeat) || p.Remote.Addr() != testerAddrs[0] {
					return Only(p)
				}
				if time.Since(last) < 20*time.Second {
					return Only(p.Without(wire.ChunkHeartbeat))
				}
				last = time.Now()
				return Only(p)
			}}
		}},
	{Name: "nothing is sent when all paths fail", Caught: []string{"7829/3.2/5", "7829/4.1/1"},
		New: func() Middlebox {
			sent := map[wire.TSN]int{}
			return Middlebox{Out: func(p *Pkt) []*Pkt {
				for _, d := range dataIn(p) {
					if sent[d.TSN]++; sent[d.TSN] > 4 {
						return Only(p.Without(wire.ChunkData))
					}
				}
				return Only(p)
			}}
		}},
}
