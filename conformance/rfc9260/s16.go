// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 16, Suggested SCTP Protocol Parameter Values.
var section16 = []conformance.Case{}
