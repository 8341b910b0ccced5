// SPDX-License-Identifier: Apache-2.0

package casetest

// deviations are the cases that our implementation fails on purpose, and why; docs/deviations.md has each of them. They
// must fail: one that passes is to be taken off the list.
var deviations = map[string]string{}
