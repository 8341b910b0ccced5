// SPDX-License-Identifier: Apache-2.0

// Package rfc5353 has the cases of RFC 5353, Endpoint Handlespace Redundancy Protocol (ENRP): a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc5353

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section2_1,
		section2_3,
		section2_4,
		section3_2,
		section3_3,
		section3_4,
		section3_5,
		section3_6,
		section3_7,
	)
}
