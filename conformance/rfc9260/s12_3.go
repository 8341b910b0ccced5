// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 12.3, SCTP Interactions with Firewalls.
var section12_3 = []conformance.Case{}
