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
		_, types := poolElement(t, nextOfASAP(t, r.Assoc, asap.TypeRegistration).Data[4:])
		// What is behind the policy is the ASAP Transport.
		i := slices.Index(types, param.TypePolicy)
		t.Check(i >= 0, "a Member Selection Policy", "parameters %#x", types)
		n := len(transports(types[:i]))
		t.Check(n == 1, "one User Transport before the policy", "%d: parameters %#x", n, types)
	}},
	{ID: "5354/3.10/2", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		pe := t.RegisterPE(conformance.PEConfig{Transport: tcp(t)})
		// Whose ASAP Transport is of another type cannot be decoded.
		var types []param.Type
		_, ok := p.NextMessage(t.Wait(), func(m tester.Message) bool {
			if m.PPID != enrp.PPID || len(m.Data) < 16 || m.Data[0] != byte(enrp.TypeHandleUpdate) {
				return false
			}
			var id uint32
			id, types = poolElement(t, m.Data[16:])
			return id == pe.Element.ID
		})
		i := slices.Index(types, param.TypePolicy)
		if !ok || i < 0 {
			t.Inconclusive("no ENRP_HANDLE_UPDATE with a policy came; seen: %s", p.SeenMessages())
		}
		at := transports(types[i:])
		t.Check(slices.Equal(at, []param.Type{param.TypeSCTPTransport}), "an ASAP Transport of SCTP behind the policy", "%v", at)
	}},
}

// tcp is a TCP user transport at the tester's address.
func tcp(t *conformance.T) *param.Transport {
	return &param.Transport{Protocol: param.TCP, Port: 4321, Addrs: []netip.Addr{t.Endpoint().Addr(0).Addr()}}
}

// poolElement is the first Pool Element among the parameters of a message: its identifier, and the types of the parameters
// in it.
func poolElement(t *conformance.T, params []byte) (id uint32, types []param.Type) {
	for b := params; len(b) >= 4; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if param.Type(binary.BigEndian.Uint16(b)) == param.TypePoolElement && n >= 16 && n <= len(b) {
			return binary.BigEndian.Uint32(b[4:]), conformance.ParamTypes(b[16:n])
		}
		b = b[min((max(n, 4)+3)&^3, len(b)):]
	}
	t.Fail("a Pool Element", "%x", params)
	return 0, nil
}

// transports are those of the types that are transports.
func transports(types []param.Type) (all []param.Type) {
	for _, typ := range types {
		if typ >= param.TypeDCCPTransport && typ <= param.TypeUDPLiteTransport || typ == param.TypeOpaqueTransport {
			all = append(all, typ)
		}
	}
	return all
}
