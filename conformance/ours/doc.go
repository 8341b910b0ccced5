// SPDX-License-Identifier: Apache-2.0

// Package ours is this module's own stack, registrar, pool element and pool user as systems under test: each does all
// acts of the conformance suite. [Open] makes one on a virtual network, fresh for each case, which is how the suite runs
// in "go test"; conformance/shim/ours runs them over real sockets. [Mutants] are middleboxes that make a good
// implementation look broken in one way: the suite must find each of them.
//
// # Limitations
//
// It is test support: only conformance and its commands use it.
package ours
