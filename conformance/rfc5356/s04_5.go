// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
)

// Section 4.5, Priority Policy, and its subsections.
var section4_5 = []conformance.Case{
	{ID: "5356/4.5.2/1", Run: func(t *conformance.T) {
		checkOrder(t, register(t, priority(5), priority(20), priority(10), priority(1)), 1, 2, 0, 3)
	}},
	{ID: "5356/4.5.3/1", Run: func(t *conformance.T) {
		i := newService(t, priority(5), priority(20), priority(10)).request()
		t.Check(i == 1, "a request to the pool element with priority 20", "to the one listed at place %d", i)
	}},
}

func priority(n uint32) param.Policy { return param.Policy{Type: param.Priority, Priority: n} }
