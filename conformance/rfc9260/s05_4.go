// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 5.4, Path Verification.
var section5_4 = []conformance.Case{}
