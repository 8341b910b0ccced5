// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp/wire"
)

// asapMutants break ASAP.
var asapMutants = []Mutant{
	{
		Name:   "ASAP_ENDPOINT_KEEP_ALIVE always has the H flag",
		Caught: []string{"5352/3.5/2"},
		New:    asapOut(func(m *asap.EndpointKeepAlive) bool { m.Home = true; return true }),
	},
	{
		Name:   "ASAP_ENDPOINT_KEEP_ALIVE is not sent",
		Caught: []string{"5352/3.5/1"},
		New:    asapOut(func(*asap.EndpointKeepAlive) bool { return false }),
	},
	{
		Name:   "refused registrations look granted",
		Caught: []string{"5352/3.1/3", "5352/3.1/5", "5352/3.1/6", "5352/3.1/8", "5352/3.1/11"},
		New:    asapOut(func(m *asap.RegistrationResponse) bool { m.Rejected = false; return true }),
	},
	{
		Name:   "registrations are refused without a cause",
		Caught: []string{"5352/3.1/4"},
		New:    asapOut(func(m *asap.RegistrationResponse) bool { m.Errors = nil; return true }),
	},
	{
		Name:   "every registration is answered with a warning",
		Caught: []string{"5352/2.2.3/1"},
		New:    asapOut(func(m *asap.RegistrationResponse) bool { m.Errors = warning; return true }),
	},
	{
		Name:   "registrations are not answered",
		Caught: []string{"5352/3.1/1", "5354/3/5", "5356/4.1.1/1"},
		New:    asapOut(func(*asap.RegistrationResponse) bool { return false }),
	},
	{
		Name:   "every deregistration is answered with an error",
		Caught: []string{"5352/3.2/1", "5352/3.2/4"},
		New:    asapOut(func(m *asap.DeregistrationResponse) bool { m.Errors = warning; return true }),
	},
	{
		Name:   "an element that expires is not told",
		Caught: []string{"5352/3.2/5"},
		New:    asapOut(func(*asap.DeregistrationResponse) bool { return false }),
	},
	{
		Name:   "deregistrations are answered, and nothing else",
		Caught: []string{"5352/3.2/2", "5352/3.2/3"},
		New: both(
			asapIn(func(m *asap.Deregistration) bool { m.PEID ^= 1; return true }),
			asapOut(func(m *asap.DeregistrationResponse) bool { m.PEID ^= 1; return true })),
	},
	{
		Name:   "the first pool element is listed twice",
		Caught: []string{"5352/3.3/2", "5356/4.3.2/1", "5356/4.4.2/1", "5356/5.1.2/3"},
		New: lists(func(pes []param.PoolElement) []param.PoolElement {
			return append(pes, pes[0])
		}),
	},
	{
		Name:   "pool elements are listed in the wrong order",
		Caught: []string{"5356/4.5.2/1", "5356/5.1.2/1", "5356/5.3.2/1"},
		New: lists(func(pes []param.PoolElement) []param.PoolElement {
			slices.Reverse(pes)
			return pes
		}),
	},
	{
		Name:   "pool elements are listed in the order of their identifiers",
		Caught: []string{"5356/4.1.2/1", "5356/4.2.2/1", "5356/5.1.2/2"},
		New: lists(func(pes []param.PoolElement) []param.PoolElement {
			slices.SortFunc(pes, func(a, b param.PoolElement) int { return cmp.Compare(a.ID, b.ID) })
			return pes
		}),
	},
	{
		Name:   "one pool element only is listed",
		Caught: []string{"5352/2.2.5/1", "5352/3.3/2", "5353/3.3.1/4"},
		New: lists(func(pes []param.PoolElement) []param.PoolElement {
			return pes[:1]
		}),
	},
	{
		Name:   "pool elements have no home",
		Caught: []string{"5352/3.1/9", "5353/3.5.2/3"},
		New: lists(func(pes []param.PoolElement) []param.PoolElement {
			for i := range pes {
				pes[i].HomeID = 0
			}
			return pes
		}),
	},
	{
		Name:   "every pool has the policy Round Robin",
		Caught: []string{"5352/3.1/2", "5352/3.3/3", "5353/3.2.3/4"},
		New: asapOut(func(m *asap.HandleResolutionResponse) bool {
			m.Policy = param.Policy{Type: param.RoundRobin}
			return true
		}),
	},
	{
		Name:   "updates are promised to everybody",
		Caught: []string{"5352/2.2.6/2"},
		New:    asapOut(func(m *asap.HandleResolutionResponse) bool { m.AcceptUpdates = true; return true }),
	},
	{
		Name:   "updates are promised, and not sent",
		Caught: []string{"5352/2.2.5/1"},
		New: both(
			asapIn(func(m *asap.HandleResolution) bool { m.SendUpdates = false; return true }),
			asapOut(func(m *asap.HandleResolutionResponse) bool { m.AcceptUpdates = true; return true })),
	},
	{
		Name:   "loads do not degrade",
		Caught: []string{"5356/5.2.2/1", "5356/5.3.2/1"},
		New:    asapIn(func(m *asap.Registration) bool { m.PoolElement.Policy.LoadDegradation = 0; return true }),
	},
	{
		Name:   "a second registration changes nothing",
		Caught: []string{"5352/3.1/7"},
		New: func() Middlebox {
			first := map[uint32]param.PoolElement{}
			return asapIn(func(m *asap.Registration) bool {
				if pe, ok := first[m.PoolElement.ID]; ok {
					m.PoolElement = pe
				} else {
					first[m.PoolElement.ID] = m.PoolElement
				}
				return true
			})()
		},
	},
	{
		Name:   "who is reported unreachable is removed at once",
		Caught: []string{"5352/3.5/4"},
		New: asapInto(func(m *asap.EndpointUnreachable) asap.Message {
			return &asap.Deregistration{PoolHandle: m.PoolHandle, PEID: m.PEID}
		}),
	},
	{
		Name:   "reports of who is unreachable are ignored",
		Caught: []string{"5352/3.5/1", "5352/3.5/5"},
		New:    asapIn(func(*asap.EndpointUnreachable) bool { return false }),
	},
	{
		Name:   "nothing is reported",
		Caught: []string{"5352/2.2.14/1", "5352/2.2.14/2", "5354/3/2", "5354/3/4"},
		New:    asapOut(func(*asap.Error) bool { return false }),
	},
	{
		Name:   "a pool element answers once",
		Caught: []string{"5352/2.2.7/1"},
		New: func() Middlebox {
			done := false
			return asapOut(func(*asap.EndpointKeepAliveAck) bool {
				first := !done
				done = true
				return first
			})()
		},
	},
	{
		Name:   "unknown parameters end a message without a word",
		Caught: []string{"5354/3/2", "5354/3/3", "5354/3/4"},
		New:    unknownParameters(0x3fff),
	},
	{
		Name:   "unknown parameters are skipped and reported",
		Caught: []string{"5354/3/1", "5354/3/2", "5354/3/3"},
		New:    unknownParameters(0xfffe),
	},
	{
		Name:   "messages with flags are not understood",
		Caught: []string{"5354/4/2"},
		New: payloadsIn(func(d *wire.Data) {
			if d.PPID == asap.PPID && len(d.Payload) > 1 && d.Payload[1] == 0xfe {
				d.Payload = nonsense
			}
		}),
	},
	{
		Name:   "padding is not 0",
		Caught: []string{"5354/3/6", "5354/4/3"},
		New: payloadsOut(func(d *wire.Data) {
			b := slices.Clone(d.Payload)
			if d.PPID != asap.PPID || len(b) < 8 {
				return
			}
			switch asap.MessageType(b[0]) {
			case asap.TypeHandleResolutionResponse:
				for i := 4 + int(binary.BigEndian.Uint16(b[6:])); i%4 != 0; i++ {
					b[i] = 0xee
				}
			case asap.TypeError:
				b[len(b)-1] |= 0xee
			}
			d.Payload = b
		}),
	},
	{
		Name:   "ASAP has no Payload Protocol Identifier",
		Caught: []string{"5352/5/1", "5352/5/3"},
		New: payloadsOut(func(d *wire.Data) {
			if d.PPID == asap.PPID {
				d.PPID = 0
			}
		}),
	},
	{
		Name:   "user data has ASAP's Payload Protocol Identifier",
		Caught: []string{"5352/5/2"},
		New:    payloadsOut(func(d *wire.Data) { d.PPID = asap.PPID }),
	},
	{
		Name:   "a pool element has another identifier in each registration",
		Caught: []string{"5352/3.1/17"},
		New: func() Middlebox {
			n := uint32(0)
			return both(
				asapOut(func(m *asap.Registration) bool { n++; m.PoolElement.ID += n; return true }),
				asapIn(func(m *asap.RegistrationResponse) bool { m.PEID -= n; return true }))()
		},
	},
	{
		Name:   "pool elements have the same identifier",
		Caught: []string{"5352/3.1/15"},
		New:    asapOut(func(m *asap.Registration) bool { m.PoolElement.ID = 42; return true }),
	},
	{
		Name:   "a pool element registers once",
		Caught: []string{"5352/3.1/16", "5352/3.1/17"},
		New: func() Middlebox {
			done := false
			return asapOut(func(m *asap.Registration) bool {
				first := !done
				done = true
				return first
			})()
		},
	},
	{
		Name:   "a pool element registers with an address of another host",
		Caught: []string{"5352/2.2.1/1"},
		New: asapOut(func(m *asap.Registration) bool {
			m.PoolElement.UserTransport.Addrs = append(m.PoolElement.UserTransport.Addrs, testerAddrs[1])
			return true
		}),
	},
	{
		Name:   "a pool element deregisters another one",
		Caught: []string{"5352/3.2/6"},
		New:    asapOut(func(m *asap.Deregistration) bool { m.PEID ^= 1; return true }),
	},
	{
		Name:   "a pool element answers for another one",
		Caught: []string{"5352/3.4/1"},
		New:    asapOut(func(m *asap.EndpointKeepAliveAck) bool { m.PEID ^= 1; return true }),
	},
	{
		Name:   "a pool element answers for every pool",
		Caught: []string{"5352/3.4/2"},
		New: func() Middlebox {
			var mine param.PoolHandle
			return both(
				asapOut(func(m *asap.Registration) bool { mine = m.PoolHandle; return true }),
				asapIn(func(m *asap.EndpointKeepAlive) bool { m.PoolHandle = mine; return true }))()
		},
	},
	{
		Name:   "a pool element stays with its registrar",
		Caught: []string{"5352/3.4/3"},
		New:    asapIn(func(m *asap.EndpointKeepAlive) bool { m.Home = false; return true }),
	},
	{
		Name:   "a pool user asks for another pool",
		Caught: []string{"5352/3.3/6"},
		New:    asapOut(func(m *asap.HandleResolution) bool { m.PoolHandle += "x"; return true }),
	},
	{
		Name:   "a pool user does not report who is unreachable",
		Caught: []string{"5352/3.5/6"},
		New:    asapOut(func(*asap.EndpointUnreachable) bool { return false }),
	},
	{
		Name:   "a pool user keeps the first cookie",
		Caught: []string{"5352/3.8/1"},
		New: func() Middlebox {
			var first param.Cookie
			return asapIn(func(m *asap.Cookie) bool {
				if first == nil {
					first = m.Cookie
				}
				m.Cookie = first
				return true
			})()
		},
	},
	{
		Name:   "a pool user always takes the first pool element that is listed",
		Caught: []string{"5356/4.1.3/1", "5356/4.5.3/1"},
		New: asapIn(func(m *asap.HandleResolutionResponse) bool {
			m.PoolElements = m.PoolElements[:1]
			return true
		}),
	},
}

var (
	// warning is a cause that nobody asked for.
	warning = param.OperationError{{Code: param.CauseLackOfResources}}
	// nonsense is a message of a type that is discarded without a word.
	nonsense = []byte{0x3e, 0, 0, 4}
)

// payloadsOut changes the messages that S sends in one DATA chunk each.
func payloadsOut(change func(*wire.Data)) func() Middlebox { return outgoingData(change) }

// payloadsIn changes what arrives.
func payloadsIn(change func(*wire.Data)) func() Middlebox { return incomingData(change) }

// asapOut changes the ASAP messages of a type that S sends; false has them get lost.
func asapOut[M asap.Message](change func(M) bool) func() Middlebox {
	return payloadsOut(asapChange(func(m M) asap.Message {
		if change(m) {
			return m
		}
		return nil
	}))
}

// asapIn changes those that arrive.
func asapIn[M asap.Message](change func(M) bool) func() Middlebox {
	return payloadsIn(asapChange(func(m M) asap.Message {
		if change(m) {
			return m
		}
		return nil
	}))
}

// asapInto makes other messages of those that arrive.
func asapInto[M asap.Message](change func(M) asap.Message) func() Middlebox {
	return payloadsIn(asapChange(change))
}

func asapChange[M asap.Message](change func(M) asap.Message) func(*wire.Data) {
	return func(d *wire.Data) {
		if d.PPID != asap.PPID {
			return
		}
		m, _, err := asap.Parse(d.Payload)
		if err != nil {
			return
		}
		if m, ok := m.(M); ok {
			d.Payload = nonsense
			if n := change(m); n != nil {
				if b, err := n.AppendBinary(nil); err == nil {
					d.Payload = b
				}
			}
		}
	}
}

// lists changes the pool elements in positive responses.
func lists(change func([]param.PoolElement) []param.PoolElement) func() Middlebox {
	return asapOut(func(m *asap.HandleResolutionResponse) bool {
		if len(m.PoolElements) > 0 {
			m.PoolElements = change(m.PoolElements)
		}
		return true
	})
}

// both is two middleboxes, one for each direction.
func both(a, b func() Middlebox) func() Middlebox {
	return func() Middlebox {
		m, n := a(), b()
		if m.Out == nil {
			m.Out = n.Out
		}
		if m.In == nil {
			m.In = n.In
		}
		return m
	}
}

// unknownParameters gives the parameter at the end of a resolution another unknown type.
func unknownParameters(typ uint16) func() Middlebox {
	return payloadsIn(func(d *wire.Data) {
		n := len(d.Payload) - 8
		if d.PPID == asap.PPID && n > 8 && d.Payload[0] == byte(asap.TypeHandleResolution) && d.Payload[n+1]|1 == 0xff && binary.BigEndian.Uint16(d.Payload[n+2:]) == 8 {
			d.Payload = slices.Clone(d.Payload)
			binary.BigEndian.PutUint16(d.Payload[n:], typ)
		}
	})
}
