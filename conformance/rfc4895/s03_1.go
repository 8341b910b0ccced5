// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.1, Random Parameter (RANDOM).
var section3_1 = []conformance.Case{
	{ID: "4895/3.1/1", Run: func(t *conformance.T) {
		_, in := offered(t)
		n := len(params(in, wire.ParamRandom))
		t.Check(n == 1, "one RANDOM parameter", "%d", n)
	}},
}
