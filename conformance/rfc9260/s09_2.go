// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 9.2, Shutdown of an Association.
var section9_2 = []conformance.Case{
	{ID: "9260/9.2/4", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.Auto.Sack = false
		a.SendData(0, []byte("echo me"))
		d, _ := a.ExpectData()
		a.Send(wire.AppendShutdown(nil, d.TSN-1))
		a.Expect(tester.Is(wire.ChunkData).Where("again", func(c *tester.Chunk) bool { return a.DataIn(c).TSN == d.TSN }))
		a.ExpectNone(tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/9.2/12", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Auto.Shutdown = false
		t.Act(a, "shutdown")
		a.Expect(tester.Is(wire.ChunkShutdown))
		a.Send(wire.AppendShutdownAck(nil))
		a.Expect(tester.Is(wire.ChunkShutdownComplete))
		a.ExpectGone()
	}},
}
