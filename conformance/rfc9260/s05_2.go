// SPDX-License-Identifier: Apache-2.0

package rfc9260

import "github.com/rserpool/rserpool/conformance"

// Section 5.2, Handle Duplicate or Unexpected INIT, INIT ACK, COOKIE ECHO, and, and its subsections.
var section5_2 = []conformance.Case{}
