// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 2.1, ENRP_PRESENCE Message.
var section2_1 = []conformance.Case{}
