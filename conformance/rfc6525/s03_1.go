// SPDX-License-Identifier: Apache-2.0

package rfc6525

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.1, RE-CONFIG Chunk.
var section3_1 = []conformance.Case{
	{ID: "6525/3.1/1", Run: func(t *conformance.T) {
		c := establish(t)
		c.reconfig(c.outgoing(1), wire.AppendSSNTSNReset(nil, c.next()))
		c.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseProtocolViolation))
	}},
}
