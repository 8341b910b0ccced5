// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
)

// Section 5.1, Least Used Policy, and its subsections.
var section5_1 = []conformance.Case{
	{ID: "5356/5.1.2/1", Run: func(t *conformance.T) {
		checkOrder(t, register(t, load(0.5), load(0.1), load(0.3)), 1, 2, 0)
	}},
	{ID: "5356/5.1.2/2", Run: func(t *conformance.T) {
		checkRotates(t, registerN(t, 3, load(0.3)))
	}},
	{ID: "5356/5.1.2/3", Run: func(t *conformance.T) {
		register(t, load(0.3), load(0.1), load(0.3), load(0.1), load(0.3))
		checkOnce(t, 20)
	}},
}

func load(f float64) param.Policy {
	return param.Policy{Type: param.LeastUsed, Load: param.Fraction(f)}
}
