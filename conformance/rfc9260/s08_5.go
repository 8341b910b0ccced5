// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 8.5, Verification Tag, and its subsection.
var section8_5 = []conformance.Case{
	{ID: "9260/8.5/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.SendTag(a.PeerTag+1, a.Data(0, []byte("wrong tag")))
		a.ExpectSilence()
		a.ExpectAlive()
	}},
}
