// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.1, Transmission of DATA Chunks.
var section6_1 = []conformance.Case{}
