// SPDX-License-Identifier: Apache-2.0

package rfc5356

import (
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 5.2, Least Used with Degradation Policy, and its subsections.
var section5_2 = []conformance.Case{
	{ID: "5356/5.2.2/1", Run: func(t *conformance.T) {
		a, b := degradation(t)
		pu := t.Dial(tester.Setup{})
		x, y := first(t, pu), first(t, pu)
		t.Check(x == a.Element.ID && y == b.Element.ID, "A with load 10, then B with 12, for A is at 10 + 5", "%#x, then %#x; A is %#x", x, y, a.Element.ID)
	}},
	{ID: "5356/5.2.2/2", Run: func(t *conformance.T) {
		a, _ := degradation(t)
		pu := t.Dial(tester.Setup{})
		if x := first(t, pu); x != a.Element.ID {
			t.Inconclusive("the first selection is not A, %#x, but %#x", a.Element.ID, x)
		}
		if r := a.Register(); r.Rejected {
			t.Inconclusive("the second registration was refused: %v", r.Errors)
		}
		x := first(t, pu)
		t.Check(x == a.Element.ID, "A again, with load 10 and a degradation counter of 0", "%#x; A is %#x", x, a.Element.ID)
	}},
}

// degradation registers A with load 10 % and B with 12 %, of Least Used with Degradation, which is 5 %.
func degradation(t *conformance.T) (a, b *conformance.PESide) {
	pes := register(t,
		param.Policy{Type: param.LeastUsedDegradation, Load: param.Fraction(0.10), LoadDegradation: param.Fraction(0.05)},
		param.Policy{Type: param.LeastUsedDegradation, Load: param.Fraction(0.12), LoadDegradation: param.Fraction(0.05)})
	return pes[0], pes[1]
}
