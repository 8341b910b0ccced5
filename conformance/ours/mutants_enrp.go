// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/sctp/wire"
)

// enrpMutants break ENRP.
var enrpMutants = []Mutant{
	{
		Name:   "ENRP_HANDLE_UPDATE is for one server only",
		Caught: []string{"5353/3.3.1/2", "5353/3.3.2/2"},
		New:    enrpOut(func(m *enrp.HandleUpdate) bool { m.Receiver = 1; return true }),
	},
	{
		Name:   "ENRP_HANDLE_UPDATE adds whatever happens",
		Caught: []string{"5353/3.3.2/1"},
		New:    enrpOut(func(m *enrp.HandleUpdate) bool { m.Action = enrp.AddPE; return true }),
	},
	{
		Name:   "ENRP_HANDLE_UPDATE is not sent",
		Caught: []string{"5352/3.1/12", "5353/3.3.1/1"},
		New:    enrpOut(func(*enrp.HandleUpdate) bool { return false }),
	},
	{
		Name:   "pool elements are told of without their values",
		Caught: []string{"5353/3.3.1/1"},
		New: enrpOut(func(m *enrp.HandleUpdate) bool {
			m.PoolElement.Policy = param.Policy{Type: param.RoundRobin}
			return true
		}),
	},
	{
		Name:   "the ASAP Transport is not where the registration came from",
		Caught: []string{"5352/3.1/10"},
		New:    enrpOut(func(m *enrp.HandleUpdate) bool { m.PoolElement.ASAPTransport.Port++; return true }),
	},
	{
		Name:   "pool elements are added once and never change",
		Caught: []string{"5353/3.3.1/5"},
		New: func() Middlebox {
			seen := map[uint32]bool{}
			return enrpIn(func(m *enrp.HandleUpdate) bool {
				again := seen[m.PoolElement.ID]
				seen[m.PoolElement.ID] = true
				return !again
			})()
		},
	},
	{
		Name:   "pool elements of others are never removed",
		Caught: []string{"5353/3.3.2/3"},
		New:    enrpIn(func(m *enrp.HandleUpdate) bool { return m.Action != enrp.DelPE }),
	},
	{
		Name:   "all pool elements are listed, whatever W is",
		Caught: []string{"5353/3.6.3/1"},
		New:    enrpIn(func(m *enrp.HandleTableRequest) bool { m.OwnChildrenOnly = false; return true }),
	},
	{
		Name:   "the mentor is asked for its own pool elements",
		Caught: []string{"5353/3.2.3/1"},
		New:    enrpOut(func(m *enrp.HandleTableRequest) bool { m.OwnChildrenOnly = true; return true }),
	},
	{
		Name:   "peers are asked for all pool elements",
		Caught: []string{"5353/3.6.1/2"},
		New:    enrpOut(func(m *enrp.HandleTableRequest) bool { m.OwnChildrenOnly = false; return true }),
	},
	{
		Name:   "there is always more",
		Caught: []string{"5353/3.2.3/5"},
		New:    enrpOut(func(m *enrp.HandleTableResponse) bool { m.More = true; return true }),
	},
	{
		Name:   "the first part is taken for the whole",
		Caught: []string{"5353/3.2.3/2"},
		New:    enrpIn(func(m *enrp.HandleTableResponse) bool { m.More = false; return true }),
	},
	{
		Name:   "the PE checksum is always the same",
		Caught: []string{"5353/3.6.2/1"},
		New: enrpOut(func(m *enrp.Presence) bool {
			*m.Checksum = 0x1234
			return true
		}),
	},
	{
		Name:   "there is no PE checksum",
		Caught: []string{"5353/3.6.1/1"},
		New:    enrpOut(func(m *enrp.Presence) bool { m.Checksum = nil; return true }),
	},
	{
		Name:   "every presence asks for one",
		Caught: []string{"5353/3.4.2/1"},
		New:    enrpOut(func(m *enrp.Presence) bool { m.ReplyRequired = true; return true }),
	},
	{
		Name:   "no presence asks for one",
		Caught: []string{"5353/3.4.1/1", "5353/3.4.3/1"},
		New:    enrpOut(func(m *enrp.Presence) bool { m.ReplyRequired = false; return true }),
	},
	{
		Name:   "presences do not tell of the server",
		Caught: []string{"5353/2.1/2", "5354/3.4/1"},
		New:    enrpOut(func(m *enrp.Presence) bool { m.Server = nil; return true }),
	},
	{
		Name:   "updates have another server identifier than presences",
		Caught: []string{"5353/2.1/1", "5353/3.3.1/2"},
		New:    enrpOut(func(m *enrp.HandleUpdate) bool { m.Sender ^= 1; return true }),
	},
	{
		Name:   "peers are not listed",
		Caught: []string{"5353/3.2.2.2/2", "5353/3.2.2.2/3"},
		New:    enrpOut(func(m *enrp.ListResponse) bool { m.Servers = nil; return true }),
	},
	{
		Name:   "the mentor's peers are not looked at",
		Caught: []string{"5353/3.2.2.2/3"},
		New:    enrpIn(func(m *enrp.ListResponse) bool { m.Servers = nil; return true }),
	},
	{
		Name:   "other takeovers are ignored",
		Caught: []string{"5353/3.5.1/1", "5353/3.5.1/2", "5353/3.5.1/3"},
		New:    enrpIn(func(*enrp.InitTakeover) bool { return false }),
	},
	{
		Name:   "takeovers are not announced",
		Caught: []string{"5353/3.4.3/2"},
		New:    enrpOut(func(*enrp.InitTakeover) bool { return false }),
	},
	{
		Name:   "who is alive again is taken over nevertheless",
		Caught: []string{"5353/3.5.1/5"},
		New: func() Middlebox {
			dead := map[uint32]bool{}
			return both(
				enrpOut(func(m *enrp.InitTakeover) bool { dead[m.Target] = true; return true }),
				enrpIn(func(m *enrp.Presence) bool { return !dead[m.Sender] }))()
		},
	},
	{
		Name:   "takeovers are done in silence",
		Caught: []string{"5353/3.5.2/1"},
		New:    enrpOut(func(*enrp.TakeoverServer) bool { return false }),
	},
	{
		Name:   "takeovers of others are not noticed",
		Caught: []string{"5353/3.5.2/3"},
		New:    enrpIn(func(*enrp.TakeoverServer) bool { return false }),
	},
	{
		Name:   "who has been taken over keeps its home",
		Caught: []string{"5353/3.5.2/2"},
		New:    asapOut(func(m *asap.EndpointKeepAlive) bool { m.Home = false; return true }),
	},
	{
		Name:   "messages of unknown type are not reported",
		Caught: []string{"5353/3.7/1"},
		New:    enrpOut(func(*enrp.Error) bool { return false }),
	},
}

// enrpOut changes the ENRP messages of a type that S sends; false has them get lost.
func enrpOut[M enrp.Message](change func(M) bool) func() Middlebox {
	return payloadsOut(enrpChange(change))
}

// enrpIn changes those that arrive.
func enrpIn[M enrp.Message](change func(M) bool) func() Middlebox {
	return payloadsIn(enrpChange(change))
}

func enrpChange[M enrp.Message](change func(M) bool) func(*wire.Data) {
	return func(d *wire.Data) {
		if d.PPID != enrp.PPID {
			return
		}
		m, _, err := enrp.Parse(d.Payload)
		if err != nil {
			return
		}
		if m, ok := m.(M); ok {
			d.Payload = nonsense
			if change(m) {
				if b, err := m.AppendBinary(nil); err == nil {
					d.Payload = b
				}
			}
		}
	}
}
