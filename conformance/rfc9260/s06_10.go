// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.10, Bundling.
var section6_10 = []conformance.Case{}
