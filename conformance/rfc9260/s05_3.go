// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 5.3, Other Initialization Issues, and its subsection.
var section5_3 = []conformance.Case{
	{ID: "9260/5.3.1/1", Run: func(t *conformance.T) {
		newTags(t, 20, t.Dial)
	}},
	{ID: "9260/5.3.1/2", Run: func(t *conformance.T) {
		newTags(t, 10, t.Accept)
	}},
}

// newTags sets up an association with the same port n times, aborts it, and checks that S takes another tag each time.
func newTags(t *conformance.T, n int, establish func(tester.Setup) *tester.Assoc) {
	port := uint16(20000 + t.Rand().IntN(40000))
	seen := map[uint32]bool{}
	for range n {
		a := establish(tester.Setup{Port: port})
		t.Check(!seen[a.PeerTag], "a new tag each time", "%#x again", a.PeerTag)
		seen[a.PeerTag] = true
		a.Abort()
		t.Sleep(atOnce)
		a.Forgotten = true
	}
}
