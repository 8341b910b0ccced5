// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 3.1, Random Parameter (RANDOM).
var section3_1 = []conformance.Case{}
