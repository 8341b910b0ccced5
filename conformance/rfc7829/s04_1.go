// SPDX-License-Identifier: Apache-2.0

package rfc7829

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
)

// Section 4.1, SCTP Dormant State Procedure.
var section4_1 = []conformance.Case{
	{ID: "7829/4.1/1", Run: func(t *conformance.T) {
		a := failing(t)
		most := time.Duration(t.Param("RTO.Max", 60)) * time.Second
		retrans := t.Param("Path.Max.Retrans", 5)
		// The first address is given up, and what the second one answers keeps the association's error count down.
		for range retrans + 3 {
			beat(a, pause(t))
			echo(a)
		}
		t.Sleep(settle)
		silence(a)
		c := echo(a)
		// The second address is given up when the last of these but one has timed out.
		for range retrans + 1 {
			a.ExpectWithin(2*most, again(a, c))
		}
	}},
}
