// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 4, SCTP Association State Diagram.
var section4 = []conformance.Case{}
