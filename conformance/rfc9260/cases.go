// SPDX-License-Identifier: Apache-2.0

// Package rfc9260 has the cases of RFC 9260, Stream Control Transmission Protocol: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc9260

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3,
		section3_1,
		section3_2,
		section3_3_1,
		section3_3_2,
		section3_3_3,
		section3_3_4,
		section3_3_5,
		section3_3_6,
		section3_3_7,
		section3_3_11,
		section3_3_12,
		section4,
		section5_1,
		section5_2,
		section5_3,
		section5_4,
		section6,
		section6_1,
		section6_2,
		section6_3,
		section6_4,
		section6_5,
		section6_6,
		section6_7,
		section6_8,
		section6_9,
		section6_10,
		section7_2,
		section8_1,
		section8_3,
		section8_4,
		section8_5,
		section9_1,
		section9_2,
		section12_3,
		section12_4,
		section16,
	)
}
