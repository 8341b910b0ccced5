// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 3.4, Maintaining Peer List and Monitoring Peer Status, and its subsections.
var section3_4 = []conformance.Case{}
