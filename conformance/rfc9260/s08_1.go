// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// givesUp waits until S has sent nothing for longer than RTO.Max, or an ABORT, and counts its chunks of a type since the
// beginning.
func givesUp(t *conformance.T, a *tester.Assoc, typ wire.ChunkType) int {
	silence := time.Duration(t.Param("RTO.Max", 60))*time.Second*3/2 + 35*time.Second
	last := time.Now()
	for !a.Aborted {
		n := len(packetsOf(t, a))
		t.Until(silence, func() bool { return len(packetsOf(t, a)) > n })
		if len(packetsOf(t, a)) == n {
			break
		}
		a.Drain()
		if time.Since(last) > 25*time.Minute {
			t.Fail("an end of the retransmissions", "none in %v", time.Since(last))
		}
	}
	return len(chunksOf(t, a, typ))
}

// Section 8.1, Endpoint Failure Detection.
var section8_1 = []conformance.Case{
	{ID: "9260/8.1/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		// A HEARTBEAT ACK may reset the counter.
		a.Auto.Sack, a.Auto.HeartbeatAck = false, false
		a.SendData(0, []byte("echo"))
		a.ExpectData()
		n, r := givesUp(t, a, wire.ChunkData), t.Param("Association.Max.Retrans", 10)
		t.Check(n <= r+1, "at most 1 + Association.Max.Retrans transmissions", "%d, Association.Max.Retrans is %d", n, r)
		a.Drain()
		a.ExpectGone()
	}},
	{ID: "9260/8.1/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.Auto.Sack = false
		for range 3 {
			a.Send(a.Data(0, []byte("echo")))
			d, _ := a.ExpectData()
			for range t.Param("Association.Max.Retrans", 10) - 1 {
				a.ExpectWithin(3*time.Minute, tester.Is(wire.ChunkData).Where("again", func(c *tester.Chunk) bool { return a.DataIn(c).TSN == d.TSN }))
			}
			a.SendSack()
			t.Sleep(settle)
		}
		a.ExpectAlive()
	}},
}
