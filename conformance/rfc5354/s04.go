// SPDX-License-Identifier: Apache-2.0

package rfc5354

import "github.com/rserpool/rserpool/conformance"

// Section 4, Common Message Formats.
var section4 = []conformance.Case{}
