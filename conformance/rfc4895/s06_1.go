// SPDX-License-Identifier: Apache-2.0

package rfc4895

import "github.com/rserpool/rserpool/conformance"

// Section 6.1, Establishment of an Association Shared Key.
var section6_1 = []conformance.Case{}
