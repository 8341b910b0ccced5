// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.12, Cookie Acknowledgement (COOKIE ACK).
var section3_3_12 = []conformance.Case{
	{ID: "9260/3.3.12/1", Run: func(t *conformance.T) {
		a := offered(t, tester.Setup{})
		a.SendCookieEcho(a.Data(0, []byte("data")))
		a.ExpectCookieAck()
		if !t.Until(t.Wait(), func() bool { return first(t, wire.ChunkSack) >= 0 && first(t, wire.ChunkData) >= 0 }) {
			t.Inconclusive("the system under test has not acknowledged and echoed the DATA behind COOKIE ECHO")
		}
		t.Check(first(t, wire.ChunkCookieAck) < first(t, wire.ChunkSack, wire.ChunkData), "COOKIE ACK before SACK and DATA", "SACK or DATA first")
	}},
}
