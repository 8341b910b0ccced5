// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.4, Multi-Homed SCTP Endpoints, and its subsections.
var section6_4 = []conformance.Case{}
