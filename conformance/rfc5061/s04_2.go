// SPDX-License-Identifier: Apache-2.0

package rfc5061

import "github.com/rserpool/rserpool/conformance"

// Section 4.2, New Parameter Types, and its subsections.
var section4_2 = []conformance.Case{}
