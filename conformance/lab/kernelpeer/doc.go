// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Kernelpeer is one end of an SCTP association on the Linux kernel's stack, for the nodes of the
// interoperability rig: it listens or dials with any number of addresses on both sides, moves the
// test traffic of package stream in one or both directions, and reports what the kernel tells it.
//
// Every line on its standard output is "event=NAME" and then key=value pairs, so that a test waits
// for a line and reads a number from it; kernelpeer -help lists the options, README.md of the rig
// the events. Lines on standard input are commands for the running association: "primary ADDR",
// "peerprimary ADDR", "add ADDR", "del ADDR", "reset STREAM", "status", "shutdown", "abort".
//
// # Limitations
//
// It uses one-to-one style sockets and one association at a time. Interleaved user messages
// (RFC 8260) are not asked for. Linux numbers its socket options as in include/uapi/linux/sctp.h;
// the program is meant for kernel 5.11 and later, which speak RFC 6951.
package main
