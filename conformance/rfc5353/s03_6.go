// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 3.6, Handlespace Data Auditing and Re-synchronization, and its subsections.
var section3_6 = []conformance.Case{}
