// SPDX-License-Identifier: Apache-2.0

// Package dtlsnet carries SCTP packets in DTLS (RFC 8261), as WebRTC's data
// channels do: a [Network] is the one DTLS connection to one peer, below a
// Stack of package sctp of which everything else works as over UDP. The
// connection is that of github.com/pion/dtls; who the peer is and whether it
// is to be trusted is decided there, before SCTP begins.
//
//	dc, err := dtls.Client(...)
//	stack, err := dtlsnet.NewStack(ctx, dc, &sctp.Config{})
//	conn, err := stack.Dial(ctx, dtlsnet.Peer(5000))
//
// RFC 8261, Section 6.1: "Multiple SCTP associations MAY be multiplexed over a
// single DTLS connection", told apart by their ports, and both sides may
// listen and dial. SCTP knows nothing of the addresses below DTLS: on each side
// the Stack has one address, and its peer another one, which exist nowhere
// else. Neither goes over the wire.
//
// Closing the Stack closes the DTLS connection. When the peer has closed it,
// the associations end with an AbortError and so does the Stack.
//
// # Limitations
//
//   - A path is expected to carry IP packets of 1200 bytes (RFC 8261, Section 5:
//     "It is RECOMMENDED that the safe value not exceed 1200 bytes") or what
//     Config.MTU says. Larger ones are not probed for, as DF cannot be controlled
//     below DTLS.
//   - pion/dtls has DTLS 1.2 only; the 1.0 that RFC 8261, Section 5 also asks for
//     is not to be used any more (RFC 8996). It does not compress.
//   - The DSCP cannot be set, and ECN bits are not passed.
//   - Path changes below DTLS (ICE, connection IDs) are not noticed.
//   - Each packet is a record, a datagram and a system call of its own. Writing
//     waits where the connection below DTLS does.
//   - There is no multicast.
package dtlsnet
