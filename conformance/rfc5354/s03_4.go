// SPDX-License-Identifier: Apache-2.0

package rfc5354

import "github.com/rserpool/rserpool/conformance"

// Section 3.4, SCTP Transport Parameter.
var section3_4 = []conformance.Case{}
