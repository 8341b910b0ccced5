// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3, SCTP Packet Format.
var section3 = []conformance.Case{
	{ID: "9260/3/1", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendInit()
		alone(t, a.ExpectInitAck())
	}},
	{ID: "9260/3/2", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		for range 2 {
			alone(t, c)
			if c = a.Next(again, tester.Is(wire.ChunkInit)); c == nil {
				t.Inconclusive("the INIT was not retransmitted")
			}
		}
		alone(t, c)
	}},
	{ID: "9260/3/3", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Auto.Shutdown = false
		t.Act(a, "shutdown")
		a.Expect(tester.Is(wire.ChunkShutdown))
		a.Send(wire.AppendShutdownAck(nil))
		alone(t, a.Expect(tester.Is(wire.ChunkShutdownComplete)))
	}},
}

// alone checks that a chunk is the only one of its packet.
func alone(t *conformance.T, c *tester.Chunk) {
	t.Check(len(c.Packet.Chunks) == 1, c.Type.String()+" alone in its packet", "%v", c.Packet)
}
