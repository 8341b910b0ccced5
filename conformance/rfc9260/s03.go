// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3, SCTP Packet Format.
var section3 = []conformance.Case{}
