// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.4, Setting of the Primary Address.
var section5_4 = []conformance.Case{
	{ID: "5061/5.4/1", Run: func(t *conformance.T) {
		a := together(t, 0, 1)
		a.Send(asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(1).Addr())))
		done(t, a, 0)
		for range 3 {
			a.SendData(0, []byte("echo"))
			c := a.Expect(tester.Is(wire.ChunkData))
			t.Check(c.Packet.Local == 1, "DATA at the second address", "%v", c.Packet)
		}
	}},
	{ID: "5061/5.4/2", Run: func(t *conformance.T) {
		a := together(t, 0)
		a.Send(asconf(a, 0, wire.AppendSetPrimary(nil, 1, a.Addr(1).Addr())))
		acked(a, 0)
		for range 3 {
			a.SendData(0, []byte("echo"))
			c := a.Expect(tester.Is(wire.ChunkData))
			t.Check(c.Packet.Local == 0, "DATA at the first address", "%v", c.Packet)
		}
	}},
}
