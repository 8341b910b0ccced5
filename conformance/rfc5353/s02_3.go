// SPDX-License-Identifier: Apache-2.0

package rfc5353

import "github.com/rserpool/rserpool/conformance"

// Section 2.3, ENRP_HANDLE_TABLE_RESPONSE Message.
var section2_3 = []conformance.Case{}
