// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.2, ENRP Server Initialization, and its subsections.
var section3_2 = []conformance.Case{
	{ID: "5353/3.2.2.2/1", Run: func(t *conformance.T) {
		p, where := t.ListenPeer(t.Endpoint(), 0, tester.Setup{})
		t.Do("start", conformance.Args{"peers": where})
		p.Accept()
		tester.ExpectENRP[*enrp.ListRequest](p.Assoc, nil)
	}},
}
