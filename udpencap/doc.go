// SPDX-License-Identifier: Apache-2.0

// Package udpencap carries SCTP packets in UDP datagrams (RFC 6951): sockets
// which read and write datagrams in batches, one socket per local address.
// It knows nothing of SCTP beyond "bytes to an address and port"; checking the
// verification tag and learning the peer's encapsulation port (RFC 6951,
// Section 5.4) is the caller's. Most programs want package sctp.
//
// [Host] is the operating system's network. Its sockets never let IP fragment
// (RFC 6951, Section 5.6), treat a full send buffer as a loss rather than wait,
// and are not ended by ICMP. On Linux one call moves a whole run of equally
// large datagrams (UDP_SEGMENT, UDP_GRO), which is worth a factor of almost twenty;
// where the kernel or the network card cannot, the socket finds out and goes
// on without. Set the environment variable SCTP_DISABLE_GSO or
// SCTP_DISABLE_GRO to 1 to do without from the start. Other networks implement
// [Network]: sctp/simnet for tests, udpencap/pionnet for those of the Pion
// project.
//
// # Limitations
//
//   - A socket serves exactly one unicast address; the wildcard is refused, as
//     the source address of what is sent would then be the host's choice.
//   - Segmentation and receive offload are used on Linux only. Elsewhere a
//     batch is a loop.
//   - Outside Linux the send may wait for buffer space where the system's own
//     UDP send does; Linux sockets never wait.
//   - ECN bits are set and read on Linux, macOS, FreeBSD and Windows since build
//     20348 (Server 2022, Windows 11); elsewhere EnableECN fails. That of Linux is
//     tested with its own receiver and with the portable one; of the control
//     messages of the others the bytes are tested. Their code compiles, but has not
//     run on macOS and FreeBSD, and on Windows only under Wine 8, which refuses the
//     option.
//   - ICMP messages are reported on Linux only. macOS and FreeBSD tell of them on
//     connected sockets, and Windows without the address and the beginning of what
//     they are about, so that a forged one could not be told from a true one; nor
//     do they end reading there.
//   - Without privilege Linux caps the socket buffers at net.core.rmem_max and
//     net.core.wmem_max, silently.
//   - DF is set on Linux, macOS (for IPv4 since version 11), FreeBSD and
//     Windows; nothing sets it elsewhere. This has run on Linux and under Wine.
//   - The path MTU in an MTUError is known on Linux only.
//   - A datagram of more than MaxBatchBytes, which only IPv6 on a loopback
//     interface can carry, is cut off on receipt.
//   - Outside Linux, and for interface-local and link-local IPv6 groups, a
//     multicast socket also receives unicast datagrams to its port.
//   - Linux has no route for IPv6 multicast on its loopback interface, so
//     sending there fails unless the administrator adds one; IPv4 works.
//   - Interfaces which come up after ListenMulticast are not joined.
//   - Watch looks every five seconds on systems other than Linux, macOS, the BSDs
//     and Windows.
//   - Addrs cannot tell tentative or deprecated IPv6 addresses from others.
package udpencap
