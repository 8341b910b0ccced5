// SPDX-License-Identifier: Apache-2.0

// Command peers measures package sctp beside usrsctp, Pion's SCTP, TCP and QUIC: two processes on the
// loopback interface of a network namespace of its own, with an MTU of 1500 bytes. The contenders
// alternate in each repetition; what is reported are medians, and medians of the repetitions' ratios.
//
//	make bench-peers                                       # all of it, as root
//	go run ./conformance/bench/peers -n 7 -rows 'one way'  # some rows, more repetitions
//
// What is measured is in rows.go, what is promised of it in floors.go, one end of a test in
// conformance/bench/worker. A row with a delay goes through conformance/bench/path, a third process.
//
// # Limitations
//
// Linux, root. The peers' sources come from Debian and the Go module proxy; a peer that cannot be
// built is left out, and a line says so.
package main
