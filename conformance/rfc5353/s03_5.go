// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 3.5, Taking Over a Failed Peer Server, and its subsections.
var section3_5 = []conformance.Case{}
