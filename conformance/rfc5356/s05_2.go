// SPDX-License-Identifier: Apache-2.0

package rfc5356

import "github.com/rserpool/rserpool/conformance"

// Section 5.2, Least Used with Degradation Policy, and its subsections.
var section5_2 = []conformance.Case{}
