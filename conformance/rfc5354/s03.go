// SPDX-License-Identifier: Apache-2.0

package rfc5354

import "github.com/rserpool/rserpool/conformance"

// Section 3, ENRP-ASAP Common Parameters.
var section3 = []conformance.Case{}
