// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 3.6, ENRP Server Hunt Procedures.
var section3_6 = []conformance.Case{}
