// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, De-Registration.
var section3_2 = []conformance.Case{}
