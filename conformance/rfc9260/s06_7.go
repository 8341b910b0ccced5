// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.7, Report Gaps in Received DATA TSNs.
var section6_7 = []conformance.Case{}
