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
		var raw tester.Message
		for refused, n := true, 0; refused; n++ {
			if n == 10 {
				t.Inconclusive("S has not served its handlespace within %v", settled)
			}
			raw, refused = anyTable(t, p)
		}
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
		raw, refused := anyTable(t, unknownPeer(t, 0))
		if !refused {
			t.Inconclusive("S has not refused to list its pools")
		}
		t.Check(len(raw.Data) <= 12, "no pool entry in a response with R=1", "%d bytes: %x", len(raw.Data), raw.Data)
	}},
}

// anyTable asks for a part of the handlespace and returns the response, which may be one that cannot be decoded, and whether
// it is a refusal. After a refusal it waits a little, for there may be none the next time.
func anyTable(t *conformance.T, p *conformance.PeerSide) (raw tester.Message, refused bool) {
	p.SendENRP(&enrp.HandleTableRequest{Header: p.HeaderTo(0)})
	raw, ok := p.NextMessage(t.Wait(), func(m tester.Message) bool {
		return m.PPID == enrp.PPID && len(m.Data) >= 12 && m.Data[0] == byte(enrp.TypeHandleTableResponse)
	})
	if !ok {
		t.Inconclusive("no ENRP_HANDLE_TABLE_RESPONSE came; seen: %s", p.SeenMessages())
	}
	if refused = raw.Data[1]&1 != 0; refused {
		t.Sleep(settled / 10)
	}
	return raw, refused
}

// table asks for a part of the handlespace until it gets it.
func table(t *conformance.T, p *conformance.PeerSide, own bool) *enrp.HandleTableResponse {
	for range 10 {
		p.SendENRP(&enrp.HandleTableRequest{Header: p.HeaderTo(0), OwnChildrenOnly: own})
		m, _, ok := tester.NextENRP[*enrp.HandleTableResponse](p.Assoc, t.Wait(), nil)
		t.Check(ok, "ENRP_HANDLE_TABLE_RESPONSE", "none; seen: %s", p.SeenMessages())
		if !m.Rejected {
			return m
		}
		t.Sleep(settled / 10)
	}
	t.Inconclusive("S has not served its handlespace within %v", settled)
	return nil
}
