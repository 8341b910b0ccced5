// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 9.1, Abort of an Association.
var section9_1 = []conformance.Case{
	{ID: "9260/9.1/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		t.Act(a, "abort")
		c := a.Expect(tester.Is(wire.ChunkAbort))
		t.Check(c.Packet.Header.Tag == a.Tag && c.Flags&wire.FlagT == 0, "an ABORT with T's tag", "%v with %#x, not %#x", c.Chunk, c.Packet.Header.Tag, a.Tag)
	}},
	{ID: "9260/9.1/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Auto.Sack = false
		t.Act(a, "send", "count", "100", "size", "500")
		a.ExpectData()
		t.Act(a, "abort")
		c := a.Expect(tester.Is(wire.ChunkAbort))
		t.Check(c.Packet.Has(wire.ChunkData) == nil && c.Packet.Has(wire.ChunkIData) == nil, "no DATA in the packet of the ABORT", "%v", c.Packet)
	}},
	{ID: "9260/9.1/3", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		t.Act(a, "abort", "reason", "bye")
		cause := tester.CauseOf(a.Expect(tester.Is(wire.ChunkAbort).Cause(wire.CauseUserInitiatedAbort)), wire.CauseUserInitiatedAbort)
		t.Check(len(cause.Value) == 0 || string(cause.Value) == "bye", "a User-Initiated Abort cause with the reason, or none", "%q", cause.Value)
	}},
	{ID: "9260/9.1/4", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.Send(wire.AppendAbort(nil, false, nil))
		t.Sleep(atOnce)
		a.Drain()
		a.Send(a.Data(0, []byte("after the end")))
		a.Beat(tester.Out{})
		a.ExpectNone(tester.Is(wire.ChunkSack, wire.ChunkHeartbeatAck))
	}},
}
