// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, Chunk Field Descriptions, and its subsections.
var section3_2 = []conformance.Case{}
