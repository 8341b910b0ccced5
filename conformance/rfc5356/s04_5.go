// SPDX-License-Identifier: Apache-2.0

package rfc5356

import "github.com/rserpool/rserpool/conformance"

// Section 4.5, Priority Policy, and its subsections.
var section4_5 = []conformance.Case{}
