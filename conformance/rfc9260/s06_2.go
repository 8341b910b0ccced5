// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.2, Acknowledgement on Reception of DATA Chunks, and its subsections.
var section6_2 = []conformance.Case{}
