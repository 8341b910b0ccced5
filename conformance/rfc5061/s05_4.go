// SPDX-License-Identifier: Apache-2.0

package rfc5061

import "github.com/rserpool/rserpool/conformance"

// Section 5.4, Setting of the Primary Address.
var section5_4 = []conformance.Case{}
