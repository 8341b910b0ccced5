// SPDX-License-Identifier: Apache-2.0

// Package enrp encodes and parses the messages of the Endpoint Handlespace Redundancy Protocol, RFC 5353, Section 2:
// what registrars (ENRP servers) exchange to keep their handlespaces the same and to take over from each other.
// There is a struct per message, with AppendBinary; [Parse] goes the other way. Package registrar/engine has the
// procedures.
//
// The bytes are those of the RFC and, where it leaves room, of RSPLIB: parameters in its order, padding at the end
// counted in Message Length, the "reply required" flag of [Presence], the takeover suggestion flag of [HandleUpdate].
//
// [Capabilities] is this project's own, and discarded by others.
//
// # Limitations
//
// One call handles one message, as SCTP and UDP deliver them. Sent pool elements must have a home server and an ASAP
// transport, because RSPLIB refuses others; received ones may lack both, and then cannot be encoded again as they
// are. The package does not judge values beyond their syntax.
package enrp
