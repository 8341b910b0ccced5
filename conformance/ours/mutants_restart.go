// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// restartMutants break what is answered to a second INIT or COOKIE ECHO, and what goes with an ABORT.
var restartMutants = []Mutant{
	{Name: "INIT ACK has no cookie", Caught: []string{"9260/5.1/2", "9260/5.2.1/1"}, New: outgoingInit(withoutCookie)},
	{Name: "INIT ACK has no cookie when there is an association", Caught: []string{"9260/5.2.2/1", "9260/5.2.2/9"},
		New: later(wire.ChunkInitAck, func(p *Pkt) *Pkt {
			return p.Map(func(c wire.Chunk) []byte { return changeInit(c, withoutCookie) })
		})},
	{Name: "an INIT ends the retransmission of SHUTDOWN", Caught: []string{"9260/5.2.2/9"}, New: once(wire.ChunkShutdown)},
	{Name: "Initial TSNs are always the same", Caught: []string{"9260/3.3.3/6"}, New: outgoingInit(func(in *wire.Init) { in.InitialTSN = 1 })},
	{Name: "a known parameter is reported in INIT ACK", Caught: []string{"9260/5.1.2/5", "9260/5.1.2/6"},
		New: initAcks(func(params, _ []byte) []byte {
			return wire.AppendUnrecognizedParam(padded(params), wire.AppendForwardTSNSupported(nil))
		})},
	{Name: "an INIT that gets an ABORT gets an INIT ACK, too", Caught: []string{"9260/3.3.2.1.4/1", "9260/5.1.2/4", "9260/5.2.2/6"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if !p.Has(wire.ChunkAbort) {
				return Only(p)
			}
			in := wire.Init{InitiateTag: 1, ARwnd: 65535, OutboundStreams: 1, InboundStreams: 1, Params: wire.AppendStateCookie(nil, []byte("cookie"))}
			return []*Pkt{p, p.With(in.Append(nil, wire.ChunkInitAck))}
		})},
	{Name: "COOKIE ACK to a restart has another tag", Caught: []string{"9260/5.2.4/1"},
		New: later(wire.ChunkCookieAck, func(p *Pkt) *Pkt {
			q := p.Clone()
			q.Header.Tag, q.Raw = p.Header.Tag+1, nil
			return q
		})},
	{Name: "SHUTDOWN ACK waits for T2-shutdown", Caught: []string{"9260/5.2.4/2"}, New: dropped(wire.ChunkShutdownAck, func(n int) bool { return n == 2 })},
	{Name: "an old cookie is stale for its association, too", Caught: []string{"9260/5.2.4/5"},
		New: answeringChunk(wire.ChunkCookieEcho, func(wire.Chunk) []byte {
			return wire.AppendError(nil, wire.AppendStaleCookie(nil, 0))
		})},
	{Name: "the B bit is never set", Caught: []string{"9260/3.3.1/9", "9260/3.3.1/10", "9260/6.9/3"}, New: datas(func(d *wire.Data) { d.Flags &^= wire.DataBegin })},
	{Name: "a SACK is twice in its packet", Caught: []string{"9260/6.7/2"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkSack) {
				return Only(p.With(append(encoded(p), encoded(p)...)...))
			}
			return Only(p)
		})},
	{Name: "Gap Ack Blocks are not sent", Caught: []string{"9260/3.3.4/1", "9260/6.2/9", "9260/6.7/1", "9260/6.7/2", "9260/7.2.4/4"},
		New: sacks(func(s *wire.Sack) bool { s.Gaps = nil; return true })},
}

func withoutCookie(in *wire.Init) { in.Params = withoutParam(in.Params, wire.ParamStateCookie) }

// later is a middlebox that changes packets with a type of chunk, but for the first one.
func later(t wire.ChunkType, change func(*Pkt) *Pkt) func() Middlebox {
	return func() Middlebox {
		n := 0
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			if p.Has(t) {
				if n++; n > 1 {
					return Only(change(p))
				}
			}
			return Only(p)
		}}
	}
}
