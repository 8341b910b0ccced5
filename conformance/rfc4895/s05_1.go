// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 5.1, Authentication Chunk (AUTH).
var section5_1 = []conformance.Case{}
