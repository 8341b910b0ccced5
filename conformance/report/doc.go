// SPDX-License-Identifier: Apache-2.0

// Package report writes what a conformance run has found: TAP and JUnit XML for machines, an HTML page for people, which
// compares several implementations, and a pcapng file per case for Wireshark.
//
// # Limitations
//
// The IP and UDP headers in pcapng files are made up: the tester sees only what is inside. Their addresses and ports are
// right.
package report
