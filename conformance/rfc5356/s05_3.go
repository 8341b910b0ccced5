// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
)

// Section 5.3, Priority Least Used Policy, and its subsections.
var section5_3 = []conformance.Case{
	{ID: "5356/5.3.2/1", Run: func(t *conformance.T) {
		// The one with the smaller load is the second.
		checkOrder(t, register(t,
			param.Policy{Type: param.PriorityLeastUsed, Load: param.Fraction(0.50), LoadDegradation: param.Fraction(0.10)},
			param.Policy{Type: param.PriorityLeastUsed, Load: param.Fraction(0.45), LoadDegradation: param.Fraction(0.50)}), 0, 1)
	}},
}
