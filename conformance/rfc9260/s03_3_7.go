// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.7, Abort Association (ABORT) (6).
var section3_3_7 = []conformance.Case{}
