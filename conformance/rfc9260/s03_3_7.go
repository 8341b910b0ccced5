// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.7, Abort Association (ABORT).
var section3_3_7 = []conformance.Case{
	{ID: "9260/3.3.7/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		a.Send([]byte{byte(wire.ChunkAbort), 0, 0, 100})
		noneSince(t, n, tester.Any())
		a.ExpectAlive()
	}},
	{ID: "9260/3.3.7/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		n := mark(t)
		a.Send(wire.AppendAbort(nil, false, wire.AppendUserInitiatedAbort(nil, []byte("enough"))))
		a.Up = false
		noneSince(t, n, tester.Any())
	}},
}
