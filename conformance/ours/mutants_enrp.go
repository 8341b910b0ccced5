// SPDX-License-Identifier: Apache-2.0

package ours

// enrpMutants break ENRP.
var enrpMutants = []Mutant{}
