// SPDX-License-Identifier: Apache-2.0

// Package rfc8260 has the cases of RFC 8260, Stream Schedulers and User Message Interleaving for SCTP: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc8260

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section2_1,
		section2_2,
		section2_3,
	)
}
