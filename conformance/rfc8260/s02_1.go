// SPDX-License-Identifier: Apache-2.0

package rfc8260

import "github.com/rserpool/rserpool/conformance"

// Section 2.1, The I-DATA Chunk Supporting User Message Interleaving.
var section2_1 = []conformance.Case{}
