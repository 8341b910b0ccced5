// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 3.3, Requested HMAC Algorithm Parameter (HMAC-ALGO).
var section3_3 = []conformance.Case{}
