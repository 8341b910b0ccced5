// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// shutdownAckSent is an association that T has shut down: S has sent SHUTDOWN ACK, which T does not answer.
func shutdownAckSent(t *conformance.T) *tester.Assoc {
	a := t.Establish(tester.Setup{})
	a.Auto.Shutdown = false
	a.Send(wire.AppendShutdown(nil, a.CumTSN()))
	if a.Next(t.Wait(), tester.Is(wire.ChunkShutdownAck)) == nil {
		t.Inconclusive("SHUTDOWN ACK did not come; seen: %s", a.Seen())
	}
	return a
}

// shutdownSent is an association that S has shut down, as far as its SHUTDOWN, which T does not answer.
func shutdownSent(t *conformance.T) *tester.Assoc {
	a := t.Establish(tester.Setup{})
	a.SetSSN(0, 1) // see quiet
	shutDown(t, a)
	return a
}

// shutDown makes S send its SHUTDOWN, which T does not answer.
func shutDown(t *conformance.T, a *tester.Assoc) *tester.Chunk {
	a.Auto.Shutdown = false
	t.Act(a, "shutdown")
	c := a.Next(t.Wait(), tester.Is(wire.ChunkShutdown))
	if c == nil {
		t.Inconclusive("SHUTDOWN did not come; seen: %s", a.Seen())
	}
	return c
}
