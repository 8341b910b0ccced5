// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 2.2, ASAP Messages, and its subsections.
var section2_2 = []conformance.Case{}
