// SPDX-License-Identifier: Apache-2.0

// Package rfc5352 has the cases of RFC 5352, Aggregate Server Access Protocol (ASAP): a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc5352

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section2_2,
		section3_1,
		section3_2,
		section3_3,
		section3_4,
		section3_5,
		section3_6,
		section3_8,
		section5,
	)
}
