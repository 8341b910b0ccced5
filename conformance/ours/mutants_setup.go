// SPDX-License-Identifier: Apache-2.0

package ours

// setupMutants break the handshake, restarts included.
var setupMutants = []Mutant{}
