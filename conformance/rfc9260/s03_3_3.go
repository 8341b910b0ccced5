// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.3, Initiation Acknowledgement (INIT ACK) (2).
var section3_3_3 = []conformance.Case{}
