// SPDX-License-Identifier: Apache-2.0

package rfc5356

import "github.com/rserpool/rserpool/conformance"

// Section 4.1, Round Robin Policy, and its subsections.
var section4_1 = []conformance.Case{}
