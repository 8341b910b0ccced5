// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.1, SCTP Common Header Field Descriptions.
var section3_1 = []conformance.Case{}
