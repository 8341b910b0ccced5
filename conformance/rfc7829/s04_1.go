// SPDX-License-Identifier: Apache-2.0

package rfc7829

import "github.com/rserpool/rserpool/conformance"

// Section 4.1, SCTP Dormant State Procedure.
var section4_1 = []conformance.Case{}
