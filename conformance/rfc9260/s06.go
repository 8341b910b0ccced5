// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 6, User Data Transfer.
var section6 = []conformance.Case{}
