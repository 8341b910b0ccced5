// SPDX-License-Identifier: Apache-2.0

// Package sctp is the Stream Control Transmission Protocol (RFC 9260) in user
// space, carried in UDP (RFC 6951): reliable messages on many streams between
// hosts with several addresses each, without kernel support, cgo or root.
//
// A [Stack] owns one UDP port on every local address and carries any number of
// associations over it. A [Listener] accepts them on an SCTP port, [Stack.Dial]
// sets one up, and a [Conn] is one: [Conn.Send] and [Conn.Recv] move whole
// messages, [Conn.NextEvent] tells of path changes and losses, [Conn.Stream]
// shows one stream as a net.Conn. [Dial] and [Listen] are for programs which
// need no more than one of them. A connection ends gracefully with
// [Conn.Shutdown] or [Conn.Close], at once with [Conn.Abort].
//
//	ln, err := sctp.Listen("10.0.0.1,10.1.0.1:5000", nil)
//	conn, err := ln.Accept(ctx)
//	m, err := conn.Recv(ctx) // io.EOF after a graceful shutdown
//	err = conn.Send(ctx, sctp.Message{Stream: m.Stream, Data: m.Data})
//
// Local addresses can be added and removed while there are associations, by
// [Stack.AddAddr] and [Stack.RemoveAddr] or by Config.FollowAddrs: peers that
// support ADD-IP (RFC 5061) are told, and what is under way is not lost. Chunks
// are authenticated (RFC 4895) with the null key for that, and with shared keys
// if Config.AuthKeys has some.
//
// The protocol itself lives in package sctp/assoc, which does no input or
// output. This package runs it: one goroutine for each socket reads, whoever
// has something to do for an association (that goroutine, a caller of Send or
// Recv, its timer) takes its lock, lets the engine work and writes what must go
// out. No user code runs under a lock, and there is no goroutine per
// association.
//
// # Limitations
//
// An association that is not established yet, or that waits for SHUTDOWN
// COMPLETE, does not survive the loss of its last address. Behind NAT set
// Config.BehindNAT, which keeps addresses out of packets. Unless
// Config.PartialDeliveryPoint says otherwise a message is received when it is
// complete, also where messages are interleaved (RFC 8260), so that what is under
// way of several may not be larger together than Config.MaxMessageSize and
// Config.RecvBuffer: else the association is aborted.
// There is no encryption: run TLS over a [Stream] (RFC 3436), or the
// whole over DTLS (RFC 8261), with package sctp/dtlsnet.
package sctp
