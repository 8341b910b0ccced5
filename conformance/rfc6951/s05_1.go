// SPDX-License-Identifier: Apache-2.0

package rfc6951

import "github.com/rserpool/rserpool/conformance"

// Section 5.1, Architectural Considerations.
var section5_1 = []conformance.Case{}
