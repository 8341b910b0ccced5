// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 8.1, Endpoint Failure Detection.
var section8_1 = []conformance.Case{}
