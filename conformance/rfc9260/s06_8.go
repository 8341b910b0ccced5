// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6.8, CRC32c Checksum Calculation.
var section6_8 = []conformance.Case{}
