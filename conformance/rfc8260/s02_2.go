// SPDX-License-Identifier: Apache-2.0

package rfc8260

import "github.com/rserpool/rserpool/conformance"

// Section 2.2, Procedures, and its subsections.
var section2_2 = []conformance.Case{}
