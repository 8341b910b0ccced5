// SPDX-License-Identifier: Apache-2.0

package rfc5356

import "github.com/rserpool/rserpool/conformance"

// Section 4.2, Weighted Round Robin Policy, and its subsections.
var section4_2 = []conformance.Case{}
