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
}
