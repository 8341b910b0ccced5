// SPDX-License-Identifier: Apache-2.0

package rfc4820

import "github.com/rserpool/rserpool/conformance"

// Section 3, Padding Chunk (PAD).
var section3 = []conformance.Case{}
