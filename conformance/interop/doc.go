// SPDX-License-Identifier: Apache-2.0

// Package interop holds the tests of this module's SCTP and RSerPool against implementations by
// others: the Linux kernel's SCTP, usrsctp, RSPLIB and Pion's SCTP. It exports nothing.
//
// RSERPOOL_FLAP_MB says how many MB the tests of a flapping path send: 1000 to both peers is what
// they are made for, to the kernel 128 are the default, which take a quarter of a minute.
//
// The tests against Pion run with every "go test ./...". The others carry the build tag interop and
// need the rig of package lab: "make interop", as root on Linux. Each judges contents on both sides
// (what arrived, what was notified, how it ended) and has tshark dissect what was on the wire. Where
// a peer does otherwise than the RFCs say, docs/deviations.md tells what it does and what we do.
//
// # Limitations
//
// IPv4 only: the nodes of the rig have nothing else on their links. The kernel is the one Debian
// packages as User-Mode Linux, whose links carry some ten megabytes a second; how fast things are
// is for package bench to say.
package interop
