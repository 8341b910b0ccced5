// SPDX-License-Identifier: Apache-2.0

package rfc4820

import "github.com/rserpool/rserpool/conformance"

// Section 4, Padding Parameter (PAD).
var section4 = []conformance.Case{}
