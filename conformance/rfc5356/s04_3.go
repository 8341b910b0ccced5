// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
)

// Section 4.3, Random Policy, and its subsections.
var section4_3 = []conformance.Case{
	{ID: "5356/4.3.2/1", Run: func(t *conformance.T) {
		registerN(t, 5, param.Policy{Type: param.Random})
		checkOnce(t, 50)
	}},
}
