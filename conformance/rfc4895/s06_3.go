// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 6.3, Receiving Authenticated Chunks.
var section6_3 = []conformance.Case{}
