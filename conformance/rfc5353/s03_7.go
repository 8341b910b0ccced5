// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 3.7, Handling Unrecognized Messages or Unrecognized Parameters.
var section3_7 = []conformance.Case{}
