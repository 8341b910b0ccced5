// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 12.4, Protection of Non-SCTP-capable Hosts.
var section12_4 = []conformance.Case{}
