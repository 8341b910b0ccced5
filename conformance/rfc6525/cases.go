// SPDX-License-Identifier: Apache-2.0

// Package rfc6525 has the cases of RFC 6525, SCTP Stream Reconfiguration: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc6525

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3_1,
		section4_1,
		section5_1,
		section5_2,
	)
}
