// SPDX-License-Identifier: Apache-2.0

package rfc5061

import "github.com/rserpool/rserpool/conformance"

// Section 6, Security Considerations.
var section6 = []conformance.Case{}
