// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 7.2, SCTP Slow-Start and Congestion Avoidance, and its subsections.
var section7_2 = []conformance.Case{}
