// SPDX-License-Identifier: Apache-2.0

// Package rfc4820 has the cases of RFC 4820, Padding Chunk and Parameter for SCTP: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc4820

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3,
		section4,
	)
}
