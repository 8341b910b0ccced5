// SPDX-License-Identifier: Apache-2.0

package rfc3758

import "github.com/rserpool/rserpool/conformance"

// Section 4.1, PR-SCTP Service Definition for "timed reliability".
var section4_1 = []conformance.Case{}
