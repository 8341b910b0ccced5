// SPDX-License-Identifier: Apache-2.0

package ours

// asapMutants break ASAP.
var asapMutants = []Mutant{}
