// SPDX-License-Identifier: Apache-2.0

package rfc6525

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 4.1, Outgoing SSN Reset Request Parameter.
var section4_1 = []conformance.Case{
	{ID: "6525/4.1/1", Run: func(t *conformance.T) {
		c := dial(t)
		for i := range wire.Seq(2) {
			resets(t, c, "1")
			r, _ := c.expectReset(t)
			want := wire.Seq(c.Peer.InitialTSN) + i
			t.Check(r.RequestSeq == want, "sequence numbers that begin with the Initial TSN", "%d instead of %d", r.RequestSeq, want)
			c.answer(r.RequestSeq, wire.ReconfigPerformed)
			c.rest(t)
		}
	}},
}
