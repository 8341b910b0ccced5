// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.1, Payload Data (DATA) (0).
var section3_3_1 = []conformance.Case{}
