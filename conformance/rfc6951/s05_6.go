// SPDX-License-Identifier: Apache-2.0

package rfc6951

import "github.com/rserpool/rserpool/conformance"

// Section 5.6, Path MTU Considerations.
var section5_6 = []conformance.Case{}
