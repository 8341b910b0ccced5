// SPDX-License-Identifier: Apache-2.0

package rfc6525

import "github.com/rserpool/rserpool/conformance"

// Section 4.1, Outgoing SSN Reset Request Parameter.
var section4_1 = []conformance.Case{}
