// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 4.2, Weighted Round Robin Policy, and its subsections.
var section4_2 = []conformance.Case{
	{ID: "5356/4.2.2/1", Run: func(t *conformance.T) {
		pes := register(t, param.Policy{Type: param.WeightedRoundRobin, Weight: 1}, param.Policy{Type: param.WeightedRoundRobin, Weight: 3})
		pu := t.Dial(tester.Setup{})
		n := 0
		for range 40 {
			if first(t, pu) == pes[1].Element.ID {
				n++
			}
		}
		t.Check(n == 30, "the pool element with three quarters of the weight first in 30 of 40 lists", "in %d", n)
	}},
}
