// SPDX-License-Identifier: Apache-2.0

// Package tester is the other side of every conformance case: an SCTP endpoint over UDP that does exactly what a case
// says, well or badly. It crafts packets and reads packets with package sctp/wire and holds no opinion on them; it uses
// nothing of sctp/assoc, sctp, registrar or pool.
//
// Everything is pulled: one goroutine per socket notes when a packet arrived, and all else happens in the goroutine of
// the case, inside the calls that wait. So a case reads from top to bottom, and what a [Tester] answers of its own accord
// (SACK, HEARTBEAT ACK, SHUTDOWN ACK; see [Auto]) it answers while the case waits for something.
//
//	ep := r.Endpoint(tester.EndpointConfig{})
//	a := ep.Dial(tester.Setup{})           // INIT, INIT ACK, COOKIE ECHO, COOKIE ACK
//	tsn := a.SendData(0, []byte("hello"))
//	a.ExpectSack(tsn)
//
// Time is that of package time, so the same case runs in a testing/synctest bubble over sctp/simnet and over real
// sockets.
//
// # Limitations
//
// A Tester has no congestion control, and retransmits only what a case tells it to: it is made for one short conversation
// over a network that loses nothing. It is used by one goroutine.
package tester
