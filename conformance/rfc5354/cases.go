// SPDX-License-Identifier: Apache-2.0

// Package rfc5354 has the cases of RFC 5354, ASAP and ENRP Parameters: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc5354

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3,
		section3_4,
		section3_10,
		section3_12,
		section4,
	)
}
