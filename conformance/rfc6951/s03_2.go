// SPDX-License-Identifier: Apache-2.0

package rfc6951

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, Legacy NAT Traversal.
var section3_2 = []conformance.Case{}
