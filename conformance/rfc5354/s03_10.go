// SPDX-License-Identifier: Apache-2.0

package rfc5354

import "github.com/rserpool/rserpool/conformance"

// Section 3.10, Pool Element Parameter.
var section3_10 = []conformance.Case{}
