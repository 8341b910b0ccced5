// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.12, Cookie Acknowledgement (COOKIE ACK) (11).
var section3_3_12 = []conformance.Case{}
