// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 5.3, Other Initialization Issues, and its subsection.
var section5_3 = []conformance.Case{
	{ID: "9260/5.3.1/1", Run: func(t *conformance.T) {
		newTags(t, 20, func() *tester.Assoc { return t.Dial(tester.Setup{Port: 30000}) })
	}},
	{ID: "9260/5.3.1/2", Run: func(t *conformance.T) {
		newTags(t, 10, func() *tester.Assoc { return t.Accept(tester.Setup{Port: 30000}) })
	}},
}

// newTags sets up an association n times, aborts it, and checks that S takes another tag each time.
func newTags(t *conformance.T, n int, establish func() *tester.Assoc) {
	seen := map[uint32]bool{}
	for range n {
		a := establish()
		t.Check(!seen[a.PeerTag], "a new tag each time", "%#x again", a.PeerTag)
		seen[a.PeerTag] = true
		a.Abort()
		t.Sleep(atOnce)
		a.Forgotten = true
	}
}
