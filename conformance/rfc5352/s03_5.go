// SPDX-License-Identifier: Apache-2.0

package rfc5352

import "github.com/rserpool/rserpool/conformance"

// Section 3.5, Unreachable Endpoints.
var section3_5 = []conformance.Case{}
