// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.5, Heartbeat Request (HEARTBEAT) (4).
var section3_3_5 = []conformance.Case{}
