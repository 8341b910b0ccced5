// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 6.2, Sending Authenticated Chunks.
var section6_2 = []conformance.Case{}
