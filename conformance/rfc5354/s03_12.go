// SPDX-License-Identifier: Apache-2.0

package rfc5354

import "github.com/rserpool/rserpool/conformance"

// Section 3.12, Operation Error Parameter, and its subsections.
var section3_12 = []conformance.Case{}
