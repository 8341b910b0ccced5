// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
)

// Section 4.4, Weighted Random Policy, and its subsections.
var section4_4 = []conformance.Case{
	{ID: "5356/4.4.2/1", Run: func(t *conformance.T) {
		var policies []param.Policy
		for w := range uint32(5) {
			policies = append(policies, param.Policy{Type: param.WeightedRandom, Weight: w + 1})
		}
		register(t, policies...)
		checkOnce(t, 50)
	}},
}
