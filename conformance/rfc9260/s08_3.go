// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 8.3, Path Heartbeat.
var section8_3 = []conformance.Case{}
