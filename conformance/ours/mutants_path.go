// SPDX-License-Identifier: Apache-2.0

package ours

// pathMutants break multi-homing, heartbeats and failover.
var pathMutants = []Mutant{}
