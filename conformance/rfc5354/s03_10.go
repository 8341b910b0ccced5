// SPDX-License-Identifier: Apache-2.0

package rfc5354

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.10, Pool Element Parameter.
var section3_10 = []conformance.Case{
	{ID: "5354/3.10/1", Run: func(t *conformance.T) {
		r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
		t.Do("register", conformance.Args{"registrar": where, "pool": string(t.Pool())})
		r.Accept()
		types := poolElement(t, nextOfASAP(t, r.Assoc, asap.TypeRegistration).Data)
		// What is behind the policy is the ASAP Transport.
		i := slices.Index(types, param.TypePolicy)
		t.Check(i >= 0, "a Member Selection Policy", "parameters %#x", types)
		n := 0
		for _, typ := range types[:i] {
			if typ >= param.TypeDCCPTransport && typ <= param.TypeUDPLiteTransport || typ == param.TypeOpaqueTransport {
				n++
			}
		}
		t.Check(n == 1, "one User Transport before the policy", "%d: parameters %#x", n, types)
	}},
	{ID: "5354/3.10/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		pe := t.RegisterPE(conformance.PEConfig{Transport: tcp(t)})
		u, _, ok := tester.NextENRP(p.Assoc, t.Wait(), func(m *enrp.HandleUpdate) bool { return m.PoolElement.ID == pe.Element.ID })
		if !ok {
			t.Inconclusive("no ENRP_HANDLE_UPDATE came; seen: %s", p.SeenMessages())
		}
		at := u.PoolElement.ASAPTransport
		t.Check(at != nil && at.Protocol == param.SCTP, "an ASAP Transport of SCTP", "%v", at)
	}},
}

// tcp is a TCP user transport at the tester's address.
func tcp(t *conformance.T) *param.Transport {
	return &param.Transport{Protocol: param.TCP, Port: 4321, Addrs: []netip.Addr{t.Endpoint().Addr(0).Addr()}}
}

// poolElement are the types of the parameters within the first Pool Element of a message.
func poolElement(t *conformance.T, message []byte) []param.Type {
	for b := message[4:]; len(b) >= 4; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if param.Type(binary.BigEndian.Uint16(b)) == param.TypePoolElement && n >= 16 && n <= len(b) {
			return conformance.ParamTypes(b[16:n])
		}
		b = b[min((max(n, 4)+3)&^3, len(b)):]
	}
	t.Fail("a Pool Element", "%x", message)
	return nil
}
