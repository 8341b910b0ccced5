// SPDX-License-Identifier: Apache-2.0

package rfc5061

import "github.com/rserpool/rserpool/conformance"

// Section 4.1, New Chunk Types, and its subsections.
var section4_1 = []conformance.Case{}
