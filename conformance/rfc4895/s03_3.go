// SPDX-License-Identifier: Apache-2.0

package rfc4895

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3, Requested HMAC Algorithm Parameter (HMAC-ALGO).
var section3_3 = []conformance.Case{
	{ID: "4895/3.3/1", Run: func(t *conformance.T) {
		_, in := offered(t)
		n := len(params(in, wire.ParamHMACAlgo))
		t.Check(n == 1, "one HMAC-ALGO parameter", "%d", n)
	}},
}
