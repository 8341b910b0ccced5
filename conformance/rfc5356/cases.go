// SPDX-License-Identifier: Apache-2.0

// Package rfc5356 has the cases of RFC 5356, RSerPool Policies: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc5356

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section4_1,
		section4_2,
		section4_3,
		section4_4,
		section4_5,
		section5_1,
		section5_2,
		section5_3,
	)
}
