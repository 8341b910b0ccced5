// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.11, Cookie Echo (COOKIE ECHO) (10).
var section3_3_11 = []conformance.Case{}
