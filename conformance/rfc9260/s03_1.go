// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.1, SCTP Common Header Field Descriptions.
var section3_1 = []conformance.Case{
	{ID: "9260/3.1/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.ExpectAlive()
		a.ExpectSack(a.SendData(0, []byte("data")))
		t.Sleep(t.Quiet()) // what comes back, if S echoes, is acknowledged
		a.Send(wire.AppendShutdown(nil, a.CumTSN()))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
		for _, c := range since(t, 0) {
			t.Check(c.Packet.Header.Tag == a.Tag, "the tester's tag in every packet", "%v", c.Packet)
		}
	}},
	{ID: "9260/3.1/2", Run: func(t *conformance.T) {
		_, c := calledBy(t, tester.Setup{})
		t.Check(c.Packet.Header.Tag == 0, "an INIT with verification tag 0", "%#x", c.Packet.Header.Tag)
	}},
}
