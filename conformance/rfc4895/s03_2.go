// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, Chunk List Parameter (CHUNKS).
var section3_2 = []conformance.Case{}
