// SPDX-License-Identifier: Apache-2.0

package rfc5061

import "github.com/rserpool/rserpool/conformance"

// Section 5.1, ASCONF Chunk Procedures, and its subsections.
var section5_1 = []conformance.Case{}
