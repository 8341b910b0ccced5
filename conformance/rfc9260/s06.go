// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"fmt"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6, User Data Transfer, before its subsections.
var section6 = []conformance.Case{
	{ID: "9260/6/1", Run: func(t *conformance.T) {
		a := shutdownAckSent(t)
		a.Send(a.Data(0, []byte("too late")))
		a.ExpectNone(tester.Is(wire.ChunkSack))
		a.Expect(tester.Is(wire.ChunkShutdownAck))
	}},
	{ID: "9260/6/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		want := map[uint16]string{}
		var chunks [][]byte
		for i := range uint16(3) {
			want[i] = fmt.Sprintf("message of stream %d", i)
			chunks = append(chunks, a.Data(i, []byte(want[i])))
		}
		a.Send(chunks...)
		a.ExpectSack(a.NextTSN - 1)
		for range 3 {
			m := a.ExpectMessage()
			t.Check(want[m.Stream] == string(m.Data), "each of the three messages back on its stream", "%q on stream %d", m.Data, m.Stream)
			delete(want, m.Stream)
		}
	}},
	{ID: "9260/6/3", Run: func(t *conformance.T) {
		a := shutdownSent(t)
		a.Auto.Sack = false
		for range 3 {
			a.SendData(1, []byte("echo me if you can"))
		}
		a.ExpectNoneFor(3*time.Second, tester.Is(wire.ChunkData, wire.ChunkIData))
	}},
}
