// SPDX-License-Identifier: Apache-2.0

// Package stream makes and judges the test traffic of the interoperability rig: a sequence of
// SCTP user messages that follows from a [Spec] alone, and a [Digest] of what arrived.
//
// Every peer of the rig (our stack, the Linux kernel's, usrsctp's) makes the same sequence from
// the same Spec and prints the same digest for it, so that two processes on two machines compare
// one 64-bit number instead of a hundred megabytes. Ordered delivery is judged per stream
// ([StreamSum.Hash]), unordered delivery by a sum in which order does not count ([StreamSum.Set]).
//
// # Limitations
//
// The digest finds accidents (loss, duplication, reordering, truncation, a message on the wrong
// stream), not malice: it is not cryptographic. Content repeats after 2^18 messages.
package stream
