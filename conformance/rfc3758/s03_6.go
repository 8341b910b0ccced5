// SPDX-License-Identifier: Apache-2.0

package rfc3758

import "github.com/rserpool/rserpool/conformance"

// Section 3.6, Receiver Side Implementation of PR-SCTP.
var section3_6 = []conformance.Case{}
