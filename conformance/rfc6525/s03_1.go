// SPDX-License-Identifier: Apache-2.0

package rfc6525

import "github.com/rserpool/rserpool/conformance"

// Section 3.1, RE-CONFIG Chunk.
var section3_1 = []conformance.Case{}
