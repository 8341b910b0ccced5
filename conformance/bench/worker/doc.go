// SPDX-License-Identifier: Apache-2.0

// Package worker is one end of a measurement, as a process of its own: the same tests for every
// transport, which shows itself as a [Peer]. The programs of conformance/bench/peers and
// conformance/bench/quicpeer are made of it; usrsctpbench does the same in C.
//
// A server says "ready" when it can be dialled. At its end each side prints a line: a [Result] in
// JSON.
//
// # Limitations
//
// Both ends are on the loopback interface, at UDP or TCP ports that whoever starts them chooses.
package worker
