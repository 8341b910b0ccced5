// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp/wire"
)

// rawOut changes what is behind the header in the messages of a type that S sends; Message Length is put right.
func rawOut(ppid wire.PPID, typ byte, change func(flags byte, body []byte) []byte) func() Middlebox {
	return payloadsOut(func(d *wire.Data) {
		if d.PPID != ppid || len(d.Payload) < 4 || d.Payload[0] != typ {
			return
		}
		b := append(slices.Clone(d.Payload[:4]), change(d.Payload[1], slices.Clone(d.Payload[4:]))...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		d.Payload = b
	})
}

// tlvs are the parameters in b, each with its padding.
func tlvs(b []byte) (all [][]byte) {
	for len(b) >= 4 {
		n := min(max(aligned(int(binary.BigEndian.Uint16(b[2:]))), 4), len(b))
		all = append(all, b[:n:n])
		b = b[n:]
	}
	return all
}

// isTLV reports whether a parameter has one of the types.
func isTLV(b []byte, types ...param.Type) bool {
	return slices.Contains(types, param.Type(binary.BigEndian.Uint16(b)))
}

// elementsOut changes the parameters within the Pool Elements in the messages of a type that S sends, where fixed bytes are
// between the header and the parameters.
func elementsOut(ppid wire.PPID, typ byte, fixed int, change func(params [][]byte) [][]byte) func() Middlebox {
	return rawOut(ppid, typ, func(_ byte, body []byte) []byte {
		out := body[:fixed:fixed]
		for _, p := range tlvs(body[fixed:]) {
			if isTLV(p, param.TypePoolElement) {
				p = append(p[:16:16], slices.Concat(change(tlvs(p[16:]))...)...)
				binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
			}
			out = append(out, p...)
		}
		return out
	})
}

// registrationsOut is elementsOut for the registrations that S sends.
func registrationsOut(change func(params [][]byte) [][]byte) func() Middlebox {
	return elementsOut(asap.PPID, byte(asap.TypeRegistration), 0, change)
}

// toFirst is a middlebox that lets the messages that pick chooses go to the first of several SCTP ports only.
func toFirst(pick func(*wire.Data) bool) func() Middlebox {
	return func() Middlebox {
		first := uint16(0)
		return Middlebox{Out: func(p *Pkt) []*Pkt {
			return Only(changeData(p, func(d *wire.Data) {
				if !pick(d) {
					return
				}
				if first == 0 {
					first = p.Header.DstPort
				}
				if p.Header.DstPort != first {
					d.Payload = nonsense
				}
			}))
		}}
	}
}

// isMessage reports whether DATA has a message of a type.
func isMessage(d *wire.Data, ppid wire.PPID, typ byte) bool {
	return d.PPID == ppid && len(d.Payload) > 0 && d.Payload[0] == typ
}

// serviceMutants break RFC 5352 in ways of their own.
var serviceMutants = []Mutant{
	{Name: "a negative response has a policy", Caught: []string{"5352/2.2.6/1"},
		New: rawOut(asap.PPID, byte(asap.TypeHandleResolutionResponse), func(_ byte, body []byte) []byte {
			b, err := param.Policy{Type: param.RoundRobin}.AppendBinary(body)
			if err != nil {
				return nil
			}
			return b
		})},
	{Name: "an unknown pool is out of resources", Caught: []string{"5352/3.3/4"},
		New: asapOut(func(m *asap.HandleResolutionResponse) bool { m.Errors = warning; return true })},
	{Name: "handle resolutions are not answered", Caught: []string{"5352/3.3/1"},
		New: asapOut(func(*asap.HandleResolutionResponse) bool { return false })},
	{Name: "handle resolutions over TCP are not answered", Caught: []string{"5352/3.3/5"},
		New: func() Middlebox { return Middlebox{TCP: func([]byte) []byte { return nil }} }},
	{Name: "over TCP no pool is known", Caught: []string{"5352/3.3/5"},
		New: func() Middlebox {
			return Middlebox{TCP: func(b []byte) []byte {
				d := wire.Data{PPID: asap.PPID, Payload: b}
				asapChange(unknownPool)(&d)
				return d.Payload
			}}
		}},
	{Name: "no pool is known", Caught: []string{"5352/3.3/1"},
		New: payloadsOut(asapChange(unknownPool))},
	{Name: "announcements have no Server Identifier", Caught: []string{"5352/2.2.10/1"},
		New: announced(func(b []byte) []byte {
			binary.BigEndian.PutUint32(b[4:], 0)
			return b
		})},
	{Name: "announcements have a UDP transport", Caught: []string{"5352/2.2.10/1"},
		New: announced(func(b []byte) []byte {
			udp := param.Transport{Protocol: param.UDP, Port: asap.Port, Addrs: testerAddrs[:1]}
			if more, err := udp.AppendBinary(b); err == nil {
				b = more
			}
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			return b
		})},
	{Name: "there is one announcement only", Caught: []string{"5352/3.6/1"},
		New: func() Middlebox {
			n := 0
			return announced(func(b []byte) []byte {
				if n++; n > 1 {
					return nil
				}
				return b
			})()
		}},
	{Name: "registrations are refused, and take effect", Caught: []string{"5352/3.1/3", "5352/3.1/5", "5352/3.1/6", "5352/3.1/13"},
		New: func() Middlebox {
			// To S the second registration is like the first.
			var first *param.PoolElement
			bad := map[uint32]bool{}
			return both(
				asapIn(func(m *asap.Registration) bool {
					e := m.PoolElement
					if first == nil {
						first = &e
					}
					m.PoolElement.Policy, m.PoolElement.UserTransport = first.Policy, first.UserTransport
					bad[e.ID] = m.PoolElement.Policy != e.Policy || !m.PoolElement.UserTransport.Equal(e.UserTransport)
					return true
				}),
				asapOut(func(m *asap.RegistrationResponse) bool {
					if bad[m.PEID] {
						m.Rejected, m.Errors = true, warning
					}
					return true
				}))()
		}},
	{Name: "a pool element registers in another pool", Caught: []string{"5352/3.1/14"},
		New: asapOut(func(m *asap.Registration) bool { m.PoolHandle += "x"; return true })},
	{Name: "registrations have no policy", Caught: []string{"5352/3.1/14", "5354/3.10/1"},
		New: registrationsOut(func(all [][]byte) [][]byte {
			return slices.DeleteFunc(all, func(p []byte) bool { return isTLV(p, param.TypePolicy) })
		})},
	{Name: "a registration that was refused is tried again", Caught: []string{"5352/3.1/18"},
		New: asapIn(func(m *asap.RegistrationResponse) bool {
			if m.Rejected {
				m.Errors = param.OperationError{{Code: param.CauseRSPLIBNoASAPAddresses}}
			}
			return true
		})},
	{Name: "a deregistration comes from another SCTP port", Caught: []string{"5352/3.2/7"},
		New: outgoing(func(p *Pkt) []*Pkt {
			for _, d := range dataIn(p) {
				if isMessage(&d, asap.PPID, byte(asap.TypeDeregistration)) {
					p = p.With(encoded(p)...)
					p.Header.SrcPort++
				}
			}
			return Only(p)
		})},
	{Name: "a pool element that has vanished is taken to be there", Caught: []string{"5352/3.5/3"}, New: standIn},
	{Name: "a pool user reports twice", Caught: []string{"5352/3.5/7"},
		New: func() Middlebox {
			var last *wire.Data
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					for _, d := range dataIn(p) {
						if isMessage(&d, asap.PPID, byte(asap.TypeEndpointUnreachable)) {
							last = &d
							again := d
							again.TSN, again.SSN = d.TSN+1, d.SSN+1
							return []*Pkt{p, p.With(again.Append(nil))}
						}
					}
					return Only(p)
				},
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					return Only(p.Map(func(c wire.Chunk) []byte {
						var s wire.Sack
						if c.Type != wire.ChunkSack || wire.ParseSack(c, &s) != nil || last == nil || s.CumTSNAck != last.TSN+1 {
							return Same(c)
						}
						s.CumTSNAck--
						return s.Append(nil)
					}))
				},
			}
		}},
	{Name: "a pool element asks five registrars at a time", Caught: []string{"5352/3.6/2"}, New: huntFive},
	{Name: "a pool element stays with a registrar that does not answer", Caught: []string{"5352/3.6/3"},
		New: toFirst(func(d *wire.Data) bool { return isMessage(d, asap.PPID, byte(asap.TypeRegistration)) })},
}

// unknownPool makes a response say that the pool is unknown.
func unknownPool(m *asap.HandleResolutionResponse) asap.Message {
	m.PoolElements, m.Errors = nil, param.OperationError{{Code: param.CauseUnknownPoolHandle}}
	return m
}

// announced changes announcements.
func announced(change func(b []byte) []byte) func() Middlebox {
	return func() Middlebox {
		return Middlebox{Announce: func(b []byte) []byte {
			if len(b) < 8 || b[0] != byte(asap.TypeServerAnnounce) {
				return b
			}
			return change(slices.Clone(b))
		}}
	}
}

// huntFive sets up an association with each of the registrars that the case has, from ports of its own.
func huntFive() Middlebox {
	ours := map[uint16]bool{}
	return Middlebox{
		Out: func(p *Pkt) []*Pkt {
			out := []*Pkt{p}
			if !p.Has(wire.ChunkInit) || len(ours) > 0 {
				return out
			}
			for i := range uint16(5) {
				q := p.With(encoded(p)...)
				q.Header.SrcPort, q.Header.DstPort = 1000+i, asap.Port+10*i
				ours[q.Header.SrcPort] = true
				out = append(out, q)
			}
			return out
		},
		In: func(p *Pkt, back func(*Pkt)) []*Pkt {
			if !ours[p.Header.DstPort] {
				return Only(p)
			}
			in, ok := initIn(p, wire.ChunkInitAck)
			for params := in.Params; ok && len(params) > 0; {
				x, rest, err := wire.NextParam(params)
				if err != nil {
					break
				}
				if cookie, err := x.StateCookie(); x.Type == wire.ParamStateCookie && err == nil {
					q := p.With(wire.AppendCookieEcho(nil, cookie))
					q.Header = wire.Header{SrcPort: p.Header.DstPort, DstPort: p.Header.SrcPort, Tag: in.InitiateTag}
					back(q)
				}
				params = rest
			}
			return nil
		},
	}
}

// standIn answers in place of a pool element, from when one is reported unreachable on. What it says reaches S with the next
// packet of the one who has reported it.
func standIn() Middlebox {
	type side struct {
		header wire.Header // of what it sends
		last   wire.TSN
	}
	sides := map[netip.AddrPort]side{}
	var reporter netip.AddrPort
	var late []*Pkt
	return Middlebox{
		In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
			s := side{header: p.Header}
			for _, d := range dataIn(p) {
				s.last = d.TSN
				if isMessage(&d, asap.PPID, byte(asap.TypeEndpointUnreachable)) {
					reporter = p.Remote
				}
			}
			if s.last == 0 {
				s.last = sides[p.Remote].last
			}
			sides[p.Remote] = s
			in := append(late, p)
			late = nil
			return in
		},
		Out: func(p *Pkt) []*Pkt {
			if !reporter.IsValid() || p.Remote == reporter {
				return Only(p)
			}
			s := sides[p.Remote]
			say := func(chunk []byte) {
				q := p.With(chunk)
				q.Header = s.header
				late = append(late, q)
			}
			for _, c := range p.Chunks {
				if c.Type == wire.ChunkHeartbeat {
					say(wire.AppendChunk(nil, wire.ChunkHeartbeatAck, 0, c.Value))
				}
			}
			for _, d := range dataIn(p) {
				sack := wire.Sack{CumTSNAck: d.TSN, ARwnd: 1 << 16}
				say(sack.Append(nil))
				k, _, err := asap.Parse(d.Payload)
				if k, ok := k.(*asap.EndpointKeepAlive); ok && err == nil {
					s.last++
					sides[p.Remote] = s
					ack := wire.Data{Flags: wire.DataBegin | wire.DataEnd | wire.DataUnordered, TSN: s.last, PPID: asap.PPID}
					ack.Payload, _ = (&asap.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: k.PEID}).AppendBinary(nil)
					say(ack.Append(nil))
				}
			}
			return nil
		},
	}
}
