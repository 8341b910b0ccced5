// SPDX-License-Identifier: Apache-2.0

// Package asap encodes and parses the messages of the Aggregate Server Access Protocol, RFC 5352, Section 2: what
// pool elements and pool users exchange with registrars (ENRP servers), and with each other. There is a struct per
// message, with AppendBinary; [Parse] goes the other way. Package asap/agent has the procedures; most programs want
// package pool.
//
// The bytes are those of the RFC and, where it leaves room, of RSPLIB: parameters in its order, padding at the end
// counted in Message Length, the PE Identifier in [EndpointKeepAlive], the Handle Resolution Option in
// [HandleResolution]. One parameter is ours, the Encapsulation Port, and it is sent only where it is needed.
//
// # Limitations
//
// One call handles one message, as SCTP and UDP deliver them; a reader of a TCP stream cuts it up with a
// [Splitter]. The package does not judge values beyond their syntax: identifiers of 0, unusable addresses and
// unknown policies are for the procedures to refuse.
package asap
