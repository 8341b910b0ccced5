// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"slices"
)

// Section 4.1, Round Robin Policy, and its subsections.
var section4_1 = []conformance.Case{
	{ID: "5356/4.1.1/1", Run: func(t *conformance.T) {
		r := t.NewPE(conformance.PEConfig{Policy: param.Policy{Type: param.RoundRobin}}).Register()
		t.Check(!r.Rejected, "R=0", "R=1: %v", r.Errors)
	}},
	{ID: "5356/4.1.2/1", Run: func(t *conformance.T) {
		checkRotates(t, registerN(t, 3, param.Policy{Type: param.RoundRobin}))
	}},
	{ID: "5356/4.1.3/1", Run: func(t *conformance.T) {
		s := newService(t, slices.Repeat([]param.Policy{{Type: param.RoundRobin}}, 3)...)
		for range requests {
			s.request()
		}
		t.Check(slices.Equal(s.used, []int{0, 1, 2, 0, 1, 2}), "the pool elements A, B, C, A, B, C", "%v, where A is 0", s.used)
	}},
}
