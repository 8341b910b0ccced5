// SPDX-License-Identifier: Apache-2.0

package ours

// closeMutants break the end of associations.
var closeMutants = []Mutant{}
