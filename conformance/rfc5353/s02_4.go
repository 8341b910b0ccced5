// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 2.4, ENRP_HANDLE_UPDATE Message.
var section2_4 = []conformance.Case{}
