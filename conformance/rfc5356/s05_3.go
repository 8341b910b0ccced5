// SPDX-License-Identifier: Apache-2.0

package rfc5356

import "github.com/rserpool/rserpool/conformance"

// Section 5.3, Priority Least Used Policy, and its subsections.
var section5_3 = []conformance.Case{}
