// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 5.2, Upon Reception of an ASCONF Chunk.
var section5_2 = []conformance.Case{
	{ID: "5061/5.2/1", Run: func(t *conformance.T) {
		a := t.Establish(addIP())
		t.NeedAddIP(a)
		c := wire.Asconf{Seq: wire.Seq(a.Setup.TSN), Address: a.Addr(0).Addr()}
		req := wire.AsconfRequest{Type: wire.ParamAddIP, ID: 1, Address: a.Addr(1).Addr()}
		c.Params = req.Append(nil)
		a.Send(c.Append(nil)) // Send puts AUTH before it
		a.Expect(tester.Is(wire.ChunkAsconfAck))
	}},
}
