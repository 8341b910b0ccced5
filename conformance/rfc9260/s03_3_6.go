// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 3.3.6, Heartbeat Acknowledgement (HEARTBEAT ACK) (5).
var section3_3_6 = []conformance.Case{}
