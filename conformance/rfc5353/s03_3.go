// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 3.3, Server Handlespace Update, and its subsections.
var section3_3 = []conformance.Case{}
