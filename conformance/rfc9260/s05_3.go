// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 5.3, Other Initialization Issues, and its subsections.
var section5_3 = []conformance.Case{}
