// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 2.3, ENRP_HANDLE_TABLE_RESPONSE Message.
var section2_3 = []conformance.Case{
	{ID: "5353/2.3/1", Run: func(t *conformance.T) {
		for _, pool := range []string{"1", "2"} {
			t.RegisterPE(conformance.PEConfig{Pool: t.Pool(pool)})
			t.RegisterPE(conformance.PEConfig{Pool: t.Pool(pool)})
		}
		p := t.Peer(0, tester.Setup{})
		_, raw := table(t, p, false)
		handles, after := 0, param.Type(0)
		for _, typ := range conformance.ParamTypes(raw.Data[12:]) { // behind the servers' identifiers
			switch typ {
			case param.TypePoolHandle:
				handles++
				t.Check(after != param.TypePoolHandle, "Pool Elements behind each Pool Handle", "two Pool Handles, one behind the other")
			case param.TypePoolElement:
				t.Check(handles > 0, "each pool entry starts with a Pool Handle", "a Pool Element comes first")
			}
			after = typ
		}
		t.Check(handles >= 2 && after != param.TypePoolHandle, "entries of two pools", "%d Pool Handles, the last parameter is of type %#x", handles, uint16(after))
	}},
	{ID: "5353/2.3/2", Run: func(t *conformance.T) {
		t.RegisterPE(conformance.PEConfig{})
		p := unknownPeer(t, 0)
		p.SendENRP(&enrp.HandleTableRequest{Header: p.HeaderTo(0)})
		m, raw, ok := tester.NextENRP[*enrp.HandleTableResponse](p.Assoc, t.Wait(), nil)
		if !ok || !m.Rejected {
			t.Inconclusive("S has not refused to list its pools")
		}
		t.Check(len(raw.Data) <= 12, "no pool entry in a response with R=1", "%d bytes: %x", len(raw.Data), raw.Data)
	}},
}

// table asks for a part of the handlespace until it gets it.
func table(t *conformance.T, p *conformance.PeerSide, own bool) (*enrp.HandleTableResponse, tester.Message) {
	for range 10 {
		p.SendENRP(&enrp.HandleTableRequest{Header: p.HeaderTo(0), OwnChildrenOnly: own})
		m, raw, ok := tester.NextENRP[*enrp.HandleTableResponse](p.Assoc, t.Wait(), nil)
		t.Check(ok, "ENRP_HANDLE_TABLE_RESPONSE", "none; seen: %s", p.SeenMessages())
		if !m.Rejected {
			return m, raw
		}
		t.Sleep(settled / 10)
	}
	t.Inconclusive("S has not served its handlespace within %v", settled)
	return nil, tester.Message{}
}
