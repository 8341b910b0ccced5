// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, ENRP Server Initialization, and its subsections.
var section3_2 = []conformance.Case{}
