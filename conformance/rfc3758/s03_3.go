// SPDX-License-Identifier: Apache-2.0

package rfc3758

import "github.com/rserpool/rserpool/conformance"

// Section 3.3, Negotiation of Forward-TSN-Supported parameter, and its subsections.
var section3_3 = []conformance.Case{}
