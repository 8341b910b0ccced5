// SPDX-License-Identifier: Apache-2.0

package rfc6951

import "github.com/rserpool/rserpool/conformance"

// Section 5.4, Decapsulation Procedure.
var section5_4 = []conformance.Case{}
