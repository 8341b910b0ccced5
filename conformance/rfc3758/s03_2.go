// SPDX-License-Identifier: Apache-2.0

package rfc3758

import "github.com/rserpool/rserpool/conformance"

// Section 3.2, Forward Cumulative TSN Chunk Definition (FORWARD TSN).
var section3_2 = []conformance.Case{}
