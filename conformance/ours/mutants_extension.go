// SPDX-License-Identifier: Apache-2.0

package ours

// extensionMutants break RFC 3758, 4895, 5061, 6525, 8260 and 4820.
var extensionMutants = []Mutant{}
