// SPDX-License-Identifier: Apache-2.0

package rfc5356

import "github.com/rserpool/rserpool/conformance"

// Section 4.4, Weighted Random Policy, and its subsections.
var section4_4 = []conformance.Case{}
