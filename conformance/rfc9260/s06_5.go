// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.5, Stream Identifier and Stream Sequence Number.
var section6_5 = []conformance.Case{}
