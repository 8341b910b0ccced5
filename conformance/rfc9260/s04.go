// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 4, SCTP Association State Diagram.
var section4 = []conformance.Case{
	{ID: "9260/4/1", Run: func(t *conformance.T) {
		a := called(t, tester.Setup{})
		a.ExpectWithin(again, tester.Is(wire.ChunkInit))
	}},
	{ID: "9260/4/2", Run: func(t *conformance.T) {
		a, c := calledBy(t, tester.Setup{})
		tag := a.InitOf(c).InitiateTag
		n := 1 + attempts(t, a, tester.Is(wire.ChunkInit).Where("of the same attempt", func(c *tester.Chunk) bool { return a.InitOf(c).InitiateTag == tag }))
		want := 1 + t.Param("Max.Init.Retransmits", 8)
		t.Check(n == want, "1 + Max.Init.Retransmits INITs", "%d, not %d", n, want)
	}},
	{ID: "9260/4/3", Run: func(t *conformance.T) {
		a := cookieEchoed(t, tester.Setup{})
		n := 1 + attempts(t, a, tester.Is(wire.ChunkCookieEcho))
		most := 1 + t.Param("Max.Init.Retransmits", 8)
		t.Check(n > 1, "COOKIE ECHO retransmitted", "it was not")
		t.Check(n <= most, "1 + Max.Init.Retransmits COOKIE ECHOs at most", "%d, not %d", n, most)
	}},
}

// attempts counts what matches until none comes for as long as no RTO is.
func attempts(t *conformance.T, a *tester.Assoc, m tester.Match) (n int) {
	longest := time.Duration(t.Param("RTO.Max", 60)) * time.Second * 3 / 2
	for a.Next(longest, m) != nil {
		n++
	}
	return n
}
