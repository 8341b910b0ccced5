// SPDX-License-Identifier: Apache-2.0

package rfc5061

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6, Security Considerations.
var section6 = []conformance.Case{
	{ID: "5061/6/1", Run: func(t *conformance.T) {
		a := t.Assoc(addIP())
		a.SendInit()
		a.ExpectInitAck()
		t.NeedAddIP(a)
		b := t.Assoc(tester.Setup{Extensions: []wire.ChunkType{wire.ChunkAsconf, wire.ChunkAsconfAck}})
		b.SendInit()
		b.ExpectNone(tester.Is(wire.ChunkInitAck))
	}},
	{ID: "5061/6/2", Run: func(t *conformance.T) {
		a := t.Listening(tester.Setup{Extensions: []wire.ChunkType{wire.ChunkAsconf, wire.ChunkAsconfAck}})
		a.ExpectInit()
		if !a.PeerSupports(wire.ChunkAsconf) {
			t.Skip("asconf", "S does not offer ASCONF")
		}
		a.SendInitAck()
		a.ExpectNone(tester.Is(wire.ChunkCookieEcho))
	}},
}
