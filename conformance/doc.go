// SPDX-License-Identifier: Apache-2.0

// Package conformance checks implementations of SCTP over UDP (RFC 9260, RFC 6951 and their extensions) and of RSerPool
// (RFC 5352, 5353, 5354, 5356) from the outside, packet by packet. A [Case] is one rule of an RFC: what the tester does,
// and what the system under test must or must not do. A [Runner] runs cases against a target and tells what it found:
// pass, fail (what the rule asks for, what was seen, and every packet), inconclusive (why), or skipped (what was missing).
//
// The cases are in packages of their own, a file per section: conformance/rfc9260 and so on; conformance/all has all of
// them. What a rule is about (level, roles, stimulus, the RFC's words, the purpose of ETSI TS 102 369 it corresponds to)
// is in requirements.tsv, once. How to write a case is in README.md beside this file; what to make of verdicts is in
// docs/conformance.md.
//
// "S" is the system under test, "T" the tester.
//
// # Limitations
//
// The tester sees packets and nothing else: a rule about what a program is told by its SCTP can be checked only through a
// program that shows it, such as an echo server, or a shim that speaks the control protocol.
package conformance

import _ "embed"

//go:embed requirements.tsv
var requirements string
