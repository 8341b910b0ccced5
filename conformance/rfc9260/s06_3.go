// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.3, Management of Retransmission Timer, and its subsections.
var section6_3 = []conformance.Case{}
