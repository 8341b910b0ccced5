// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 3.8, Cookie Handling Procedures.
var section3_8 = []conformance.Case{}
