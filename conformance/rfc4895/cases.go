// SPDX-License-Identifier: Apache-2.0

// Package rfc4895 has the cases of RFC 4895, Authenticated Chunks for SCTP: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc4895

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3_1,
		section3_2,
		section3_3,
		section5_1,
		section6_1,
		section6_2,
		section6_3,
	)
}
