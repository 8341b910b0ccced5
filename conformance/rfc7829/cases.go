// SPDX-License-Identifier: Apache-2.0

// Package rfc7829 has the cases of RFC 7829, SCTP-PF: A Quick Failover Algorithm: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc7829

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section3_2,
		section4_1,
	)
}
