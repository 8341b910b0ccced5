// SPDX-License-Identifier: Apache-2.0

// Package rfc3758 has the cases of RFC 3758, SCTP Partial Reliability Extension: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc3758

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3_2,
		section3_3,
		section3_5,
		section3_6,
		section4_1,
	)
}
