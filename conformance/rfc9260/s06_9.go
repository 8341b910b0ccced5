// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.9, and 6.10, are OPTIONAL to implement by the data sender, but they.
var section6_9 = []conformance.Case{}
