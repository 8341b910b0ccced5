// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 5, The ENRP server may reject the registration due to other reasons.
var section5 = []conformance.Case{}
