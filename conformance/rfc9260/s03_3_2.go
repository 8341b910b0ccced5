// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.2, Initiation (INIT) (1), and its subsections.
var section3_3_2 = []conformance.Case{}
