// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.6, Ordered and Unordered Delivery.
var section6_6 = []conformance.Case{}
