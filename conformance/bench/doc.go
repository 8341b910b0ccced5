// SPDX-License-Identifier: Apache-2.0

// Package bench measures package sctp beside other SCTP stacks, in alternation within one run, so
// that what else the machine does meets all of them alike: throughput and processor time of one
// association one way, and round trips of a small message.
//
//	go test -run xxx -bench . ./conformance/bench
//
// Every benchmark does Rounds rounds of each contender and reports medians and their ratios to
// those of github.com/pion/sctp, and fails if ours are worse than docs/PERFORMANCE.md promises.
// The ratios are the figures to quote; the absolute ones are the machine's.
//
// # Limitations
//
// Both ends of an association share one process, so that processor time is that of both together,
// and the garbage one end makes is also collected at the other's expense. Loopback has no loss, no
// delay and no network card. Where there is no getrusage there is no processor time.
package bench
