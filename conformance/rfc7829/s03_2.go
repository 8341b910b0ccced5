// SPDX-License-Identifier: Apache-2.0

package rfc7829

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, Specification of the SCTP-PF Procedures.
var section3_2 = []conformance.Case{}
