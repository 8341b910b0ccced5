// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.3, Server Handlespace Update.
var section3_3 = []conformance.Case{
	{ID: "5353/3.3.1/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		pe := t.RegisterPE(conformance.PEConfig{Policy: weight3})
		for _, policy := range []param.Policy{weight3, weight7} {
			if pe.Element.Policy != policy {
				pe.Element.Policy = policy
				pe.Register()
			}
			u := tester.ExpectENRP(p.Assoc, about(pe, enrp.AddPE))
			got := u.PoolElement
			t.Check(got.Policy == policy && got.UserTransport.Equal(pe.Element.UserTransport) && got.Life == pe.Element.Life && got.HomeID == u.Sender,
				"the complete Pool Element", "%+v, registered was %+v", got, pe.Element)
		}
	}},
	{ID: "5353/3.3.1/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		id := serverID(t, p)
		pe := t.RegisterPE(conformance.PEConfig{})
		checkHeader(t, id, tester.ExpectENRP(p.Assoc, about(pe, enrp.AddPE)))
	}},
	{ID: "5353/3.3.1/3", Run: func(t *conformance.T) {
		p := unlisted(t)
		pe := owned(t, p, weight3)
		update(p, enrp.AddPE, t.Pool(), pe)
		pu := t.Dial(tester.Setup{})
		resolves(t, pu, t.Pool(), pe)
		r := t.Resolve(pu, t.Pool())
		t.Check(r.Policy.Type == weight3.Type, "policy 0x00000002", "%#08x", uint32(r.Policy.Type))
	}},
	{ID: "5353/3.3.1/4", Run: func(t *conformance.T) {
		p := unlisted(t)
		a, b := owned(t, p, roundRobin), owned(t, p, roundRobin)
		update(p, enrp.AddPE, t.Pool(), a)
		pu := t.Dial(tester.Setup{})
		resolves(t, pu, t.Pool(), a)
		update(p, enrp.AddPE, t.Pool(), b)
		resolves(t, pu, t.Pool(), a, b)
	}},
	{ID: "5353/3.3.1/5", Run: func(t *conformance.T) {
		p := unlisted(t)
		pe := owned(t, p, weight3)
		update(p, enrp.AddPE, t.Pool(), pe)
		pu := t.Dial(tester.Setup{})
		resolvesLike(t, pu, t.Pool(), pe)
		pe.Policy, pe.UserTransport.Port = weight7, pe.UserTransport.Port+100
		update(p, enrp.AddPE, t.Pool(), pe)
		resolvesLike(t, pu, t.Pool(), pe)
	}},
	{ID: "5353/3.3.2/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		leaves, expires := t.RegisterPE(conformance.PEConfig{}), t.RegisterPE(conformance.PEConfig{Life: 3})
		leaves.Deregister()
		tester.ExpectENRP(p.Assoc, about(leaves, enrp.DelPE))
		_, _, ok := tester.NextENRP(p.Assoc, 3*time.Second+t.Wait(), about(expires, enrp.DelPE))
		t.Check(ok, "ENRP_HANDLE_UPDATE with DEL_PE when the registration expires, after 3 s", "none; seen: %s", p.SeenMessages())
	}},
	{ID: "5353/3.3.2/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		id := serverID(t, p)
		pe := t.RegisterPE(conformance.PEConfig{})
		pe.Deregister()
		checkHeader(t, id, tester.ExpectENRP(p.Assoc, about(pe, enrp.DelPE)))
	}},
	{ID: "5353/3.3.2/3", Run: func(t *conformance.T) {
		p := unlisted(t)
		a, b := owned(t, p, roundRobin), owned(t, p, roundRobin)
		update(p, enrp.AddPE, t.Pool(), a)
		update(p, enrp.AddPE, t.Pool(), b)
		pu := t.Dial(tester.Setup{})
		resolves(t, pu, t.Pool(), a, b)
		update(p, enrp.DelPE, t.Pool(), a)
		resolves(t, pu, t.Pool(), b)
		update(p, enrp.DelPE, t.Pool(), b)
		resolves(t, pu, t.Pool())
		r := t.Resolve(pu, t.Pool())
		t.Check(r.Errors.Has(param.CauseUnknownPoolHandle), "cause 0x9 (Unknown Pool Handle)", "%v", r.Errors)
	}},
	{ID: "5353/3.3.2/4", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		pe := owned(t, p, roundRobin)
		update(p, enrp.AddPE, t.Pool(), pe)
		pu := t.Dial(tester.Setup{})
		resolves(t, pu, t.Pool(), pe)
		update(p, enrp.DelPE, t.Pool("unknown"), owned(t, p, roundRobin))
		tester.ExpectNoENRP[*enrp.Error](p.Assoc, nil)
		resolves(t, pu, t.Pool(), pe)
	}},
}

// unlisted is a peer that never lists its pool elements, neither to an S that wants a copy of the handlespace nor to one
// that has found the checksums to differ: S has them from ENRP_HANDLE_UPDATE or not at all.
func unlisted(t *conformance.T) *conformance.PeerSide {
	p := t.Peer(0, tester.Setup{})
	answer(p, func(m enrp.Message) bool {
		q, ok := m.(*enrp.HandleTableRequest)
		if ok && !q.OwnChildrenOnly {
			p.SendENRP(&enrp.HandleTableResponse{Header: p.HeaderTo(q.Sender)})
		}
		return ok
	})
	return p
}

// about matches the ENRP_HANDLE_UPDATE about a pool element.
func about(pe *conformance.PESide, action enrp.UpdateAction) func(*enrp.HandleUpdate) bool {
	return func(m *enrp.HandleUpdate) bool {
		return m.PoolHandle == pe.Pool && m.PoolElement.ID == pe.Element.ID && m.Action == action
	}
}

// checkHeader checks the servers' identifiers of an ENRP_HANDLE_UPDATE.
func checkHeader(t *conformance.T, id uint32, u *enrp.HandleUpdate) {
	t.Check(u.Sender == id, "the Sending Server's ID of S", "%#x, S is %#x", u.Sender, id)
	t.Check(u.Receiver == 0, "a Receiving Server's ID of 0", "%#x", u.Receiver)
}
