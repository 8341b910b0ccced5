// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 9.1, Abort of an Association.
var section9_1 = []conformance.Case{}
