// SPDX-License-Identifier: Apache-2.0

package rfc3758

import "github.com/rserpool/rserpool/conformance"

// Section 3.5, Sender Side Implementation of PR-SCTP.
var section3_5 = []conformance.Case{}
