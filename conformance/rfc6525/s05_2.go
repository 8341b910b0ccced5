// SPDX-License-Identifier: Apache-2.0

package rfc6525

import "github.com/rserpool/rserpool/conformance"

// Section 5.2, Receiver-Side Procedures, and its subsections.
var section5_2 = []conformance.Case{}
