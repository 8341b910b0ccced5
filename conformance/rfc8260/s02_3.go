// SPDX-License-Identifier: Apache-2.0

package rfc8260

import "github.com/rserpool/rserpool/conformance"

// Section 2.3, Interaction with Other SCTP Extensions, and its subsections.
var section2_3 = []conformance.Case{}
