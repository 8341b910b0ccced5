// SPDX-License-Identifier: Apache-2.0

// Package assoc is the SCTP protocol engine (RFC 9260), without sockets,
// clocks, goroutines and locks. Most programs want package sctp.
//
// A Stack stands for an SCTP stack: Route finds the Association a packet
// belongs to, and does without one what needs none: it answers INITs, makes
// associations of good state cookies and treats packets out of the blue. An
// Association is a set of sub-machines, each with one worry: the tsnTracker
// knows what arrived, the reassembler makes messages of it, the sendQueue
// holds what is to be sent, outstanding what is in flight; a path has its own
// timer, congestion control and HEARTBEATs and changes only itself.
//
// The methods are of four kinds. Getters. Inputs: Route, HandlePacket and
// EndBatch, HandleTimeout. Commands named after the primitives of RFC 9260,
// Section 11.1: Associate, Send, Shutdown, Abort, SetPrimary,
// RequestHeartbeat. Outputs, to be polled after any of the others until they
// have no more: PollMessage, PollEvent, PollTransmit, and the next Deadline.
// Time is an argument, and never goes back. The same inputs with the same
// random source give the same outputs.
//
//	   datagram           command          deadline
//	      │                  │                │
//	Stack.Route ──► HandlePacket, EndBatch   Send…   HandleTimeout
//	      │                  └───────┬────────┘
//	 PollReply        PollMessage, PollEvent, PollTransmit
//
// # Limitations
//
// RFC 9260 with RFC 3758, RFC 7496, RFC 4895, RFC 5061, RFC 6525 (while streams
// are reset, new messages wait on all of them), RFC 7829, RFC 8260, RFC 8899 and
// ECN. All that is sent is authenticated with the active key, also what was
// queued before it was. DATA chunks cut for a path MTU that shrinks then are
// fragmented by IP, which only the host can do for IPv6. Partial delivery is not
// offered: a message is delivered whole, also where messages are interleaved; an
// association is aborted when so many are under way that none can become whole.
// Restart of a peer is recognised if it comes from the same UDP port; from
// another one it is a new association beside the old. Memory is bounded for each
// association (twice Config.RecvBuffer, and one message of
// Config.MaxMessageSize), and for all of a stack if whoever runs the engine
// counts (SetRoom). If an association ends before the answer to its reset (RFC
// 6525) has come, messages that the peer has sent meanwhile may be lost. An INIT
// lists 32 local addresses at most. Where RFC 9260 leaves a choice or is not
// followed: docs/deviations.md.
package assoc
