// SPDX-License-Identifier: Apache-2.0

package rfc6951

import "github.com/rserpool/rserpool/conformance"

// Section 5.3, Encapsulation Procedure.
var section5_3 = []conformance.Case{}
