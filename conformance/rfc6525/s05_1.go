// SPDX-License-Identifier: Apache-2.0

package rfc6525

import "github.com/rserpool/rserpool/conformance"

// Section 5.1, Sender-Side Procedures, and its subsections.
var section5_1 = []conformance.Case{}
