// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3.4, Endpoint Keep-Alive.
var section3_4 = []conformance.Case{
	{ID: "5352/3.4/1", Run: func(t *conformance.T) {
		reg := t.Registrar(conformance.Args{"pool": "conformance"})
		reg.SendASAP(&asap.EndpointKeepAlive{ServerID: reg.ServerID, PoolHandle: reg.Registered.PoolHandle})
		ack := tester.ExpectASAP[*asap.EndpointKeepAliveAck](reg.Assoc, nil)
		want := reg.Registered
		t.Check(ack.PoolHandle == want.PoolHandle && ack.PEID == want.PoolElement.ID,
			"the pool handle and PE Identifier of the registration", "%q and %#x, registered were %q and %#x",
			ack.PoolHandle, ack.PEID, want.PoolHandle, want.PoolElement.ID)
	}},
	{ID: "5352/3.4/2", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		r.SendASAP(&asap.EndpointKeepAlive{ServerID: r.ServerID, PoolHandle: t.Pool("another")})
		tester.ExpectNoASAP[*asap.EndpointKeepAliveAck](r.Assoc, nil)
		tester.ExpectNoASAP[*asap.Error](r.Assoc, nil)
		r.SendASAP(&asap.EndpointKeepAlive{ServerID: r.ServerID, PoolHandle: r.Registered.PoolHandle})
		tester.ExpectASAP[*asap.EndpointKeepAliveAck](r.Assoc, nil)
	}},
	{ID: "5352/3.4/3", Run: func(t *conformance.T) {
		r := t.Registrar(conformance.Args{"pool": string(t.Pool())})
		other := t.NewEndpoint(tester.EndpointConfig{}).Dial(tester.Setup{Port: asap.Port}, r.PeerPort)
		other.SendASAP(&asap.EndpointKeepAlive{Home: true, ServerID: r.ServerID ^ 0x5a5a5a5a, PoolHandle: r.Registered.PoolHandle})
		tester.ExpectASAP[*asap.EndpointKeepAliveAck](other, nil)
		t.Do("deregister", nil)
		d := tester.ExpectASAP[*asap.Deregistration](other, nil)
		t.Check(d.PEID == r.Registered.PoolElement.ID, "the PE Identifier of the registration", "%#x", d.PEID)
	}},
}
