// SPDX-License-Identifier: Apache-2.0

// Package rfc6951 has the cases of RFC 6951, UDP Encapsulation of SCTP Packets: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc6951

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3_2,
		section5_1,
		section5_3,
		section5_4,
		section5_6,
	)
}
