// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 8.4, Handle "Out of the Blue" (OOTB) Packets.
var section8_4 = []conformance.Case{
	{ID: "9260/8.4/8", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		a.SendTag(0x12345678, a.Data(0, []byte("out of the blue")))
		a.Expect(tester.Is(wire.ChunkAbort))
	}},
}
