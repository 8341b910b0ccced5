// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 3.1, Registration.
var section3_1 = []conformance.Case{}
