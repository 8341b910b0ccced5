// SPDX-License-Identifier: Apache-2.0

// Package pionpeer makes associations of github.com/pion/sctp, the other SCTP in pure Go, on UDP
// sockets: the foreign end of interoperability tests and the baseline of benchmarks.
//
// An association of Pion lives on one net.Conn, and a connected UDP socket is the framing of
// RFC 6951. There is no listener, so that who serves must know the client's UDP port: open a
// [Socket] first, tell the client its address, then [Socket.Serve]. What Pion leaves to its users,
// a bound on what is queued for sending, is in [Writer].
//
// # Limitations
//
// Both SCTP ports are 5000 when Pion dials; when it serves, they are what the client chose. An
// association has one address on each side.
package pionpeer
