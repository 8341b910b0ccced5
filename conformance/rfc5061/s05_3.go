// SPDX-License-Identifier: Apache-2.0

package rfc5061

import "github.com/rserpool/rserpool/conformance"

// Section 5.3, General Rules for Address Manipulation, and its subsections.
var section5_3 = []conformance.Case{}
