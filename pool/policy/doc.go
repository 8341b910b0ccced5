// SPDX-License-Identifier: Apache-2.0

// Package policy selects pool elements as RFC 5356 says: Round Robin, Weighted Round Robin, Random, Weighted Random,
// Priority, Least Used with its three relatives, and RSPLIB's private policies. A pool element says with a [Policy]
// value such as WeightedRoundRobin{Weight: 3} how it wants to be selected; it has a wire form ([Policy.Param]) and a text
// form ([Parse]).
//
// A [Selector] holds the elements of one pool and selects k of n in O(k log n) without allocating. The registrar's
// handlespace and the pool user's cache use the same selectors. What a policy counts is one function in a [Rule]; a
// [Registry] with rules of your own adds policies without touching either. The package is pure: no I/O, no clock, and
// randomness comes from the caller.
//
// # Limitations
//
// A rule reduces an element to one number under one of three disciplines. Policies that look at several elements
// at once, or at the pool user, cannot be expressed. Weights of one pool must sum up to less than 2^64. The reserve
// elements behind the first that Weighted Round Robin returns are those that come next if nothing else is selected in
// between. Its cost grows with the number of different weights in the pool, O(log n) if all differ.
package policy
