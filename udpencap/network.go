// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"net/netip"
)

// DefaultPort is the UDP port IANA assigned for SCTP encapsulation
// ("sctp-tunneling", RFC 6951, Section 8).
const DefaultPort = 9899

// MaxBatchBytes is the most one Datagram may carry in either direction: the
// largest UDP payload over IPv4. A receive buffer of this size never truncates.
const MaxBatchBytes = 65507

// A Network is where sockets come from: the host (Host), a virtual network
// (sctp/simnet), or any transport.Net of the Pion project (udpencap/pionnet).
type Network interface {
	// Addrs lists the unicast addresses of the host, loopback included,
	// link-local ones (which need a zone) excluded, in a stable order.
	Addrs() ([]netip.Addr, error)

	// Listen opens the socket for one local address. laddr.Port 0 asks for
	// any free port. The address must be a unicast address of the host.
	Listen(ctx context.Context, laddr netip.AddrPort) (Socket, error)

	// ListenMulticast opens a socket which receives what is sent to group,
	// joined on every multicast interface that carries one of the addresses
	// in ifaddrs (on all of them if ifaddrs is empty).
	ListenMulticast(ctx context.Context, group netip.AddrPort, ifaddrs []netip.Addr) (Socket, error)
}

// A Watcher is a Network that tells when its addresses change. Host is one.
type Watcher interface {
	// Watch calls changed, which must not block, whenever Addrs may return
	// something else than before, once at the beginning, and now and then for
	// no reason. It returns when the context ends, or with an error if changes
	// cannot be seen.
	Watch(ctx context.Context, changed func()) error
}

// A Protector is a Network which detects errors in what it carries at least as
// well as the CRC32c of SCTP does, so that this may be left out (RFC 9653).
// UDP's checksum is no such protection.
type Protector interface {
	Network
	// ErrorDetectionMethod is how, by IANA's number: 1 is DTLS.
	ErrorDetectionMethod() uint32
}

// An MTUTeller is a Network that knows the MTU of its interfaces.
type MTUTeller interface {
	// InterfaceMTU is the size in bytes of the largest IP packet that the
	// interface with a local address carries, or 0 if that is not known or
	// datagrams cannot be kept from being fragmented.
	InterfaceMTU(local netip.Addr) int
}

// A Socket sends and receives UDP datagrams at one local address. ReadBatch
// and WriteBatch may be called concurrently with each other and with Close,
// and WriteBatch with itself.
type Socket interface {
	// LocalAddr is the address and port the socket is bound to.
	LocalAddr() netip.AddrPort

	// ReadBatch waits until at least one datagram has arrived and fills
	// dgs[:n]. On entry every dgs[i].Data provides memory (its capacity is
	// used; MaxBatchBytes never truncates, and what does not fit into less is
	// cut off or dropped); on return Data has the length
	// received and Src is set. Where SegmentSize is not 0, Data holds several
	// datagrams of one sender back to back, each SegmentSize bytes long but
	// the last, which may be shorter. After Close it returns net.ErrClosed.
	// A network that can end by itself, as that of one connection does, returns
	// io.EOF then: nothing will arrive or leave any more.
	ReadBatch(dgs []Datagram) (n int, err error)

	// WriteBatch sends the datagrams in order. Data of a Datagram with
	// SegmentSize not 0 is cut into datagrams of that size. It does not wait
	// for buffer space: what the host cannot take at once is lost, as on a
	// network. An error says which Datagram was not sent (n is its index; the
	// first segments of it may have been) and the rest may be retried with
	// dgs[n+1:]; *MTUError if it was too large. Data is not kept.
	WriteBatch(dgs []Datagram) (n int, err error)

	// SetMulticast chooses the interface (by one of its addresses) and the
	// TTL or hop limit for multicast datagrams sent from this socket.
	SetMulticast(ifaddr netip.Addr, ttl int) error

	Close() error
}

// A Datagram is one UDP datagram, or a run of equally large ones to or from
// the same peer.
type Datagram struct {
	// Data is the UDP payload: an SCTP packet (RFC 6951, Section 5.2), or
	// several of SegmentSize bytes each.
	Data []byte
	// Src is the sender's address and UDP port. WriteBatch ignores it.
	Src netip.AddrPort
	// Dst is where WriteBatch sends to. ReadBatch leaves it alone.
	Dst netip.AddrPort
	// SegmentSize is the size in bytes of the datagrams in Data, or 0 if it
	// is a single one.
	SegmentSize int
	// MayFragment lets IP fragment what WriteBatch sends, which else carries
	// DF. RFC 9260, Section 6.9: "if the PMTU has been reduced, then IP
	// fragmentation MUST be used" for what was cut before. ReadBatch leaves it
	// alone.
	MayFragment bool
	// ECN are the ECN bits of the IP header (RFC 3168, Section 5), of all segments.
	// Sockets that are no ECNSocket, or on which EnableECN was not called, read and
	// write 0.
	ECN ECN
}

// An ECN is a codepoint of the ECN field (RFC 3168, Section 5).
type ECN uint8

// The codepoints.
const (
	ECNNotECT ECN = iota // not ECN-capable
	ECNECT1              // ECN-capable, ECT(1)
	ECNECT0              // ECN-capable, ECT(0)
	ECNCE                // congestion experienced
)

// An ECNSocket is a Socket that reads and writes ECN bits, once that has been
// enabled, before the first datagram. Those of the host can on Linux, macOS, FreeBSD
// and newer versions of Windows; elsewhere EnableECN fails.
type ECNSocket interface {
	EnableECN() error
}

// An Interrupter is a Socket whose ReadBatch can be made to return early, with
// an error: at once after Interrupt(true), and every one that follows, until
// Interrupt(false). Those of the host can.
type Interrupter interface {
	Interrupt(on bool) error
}

// An MTUError reports that a datagram was too large for the path and must not
// be fragmented (EMSGSIZE; RFC 6951, Section 5.6).
type MTUError struct {
	Dst netip.AddrPort
	// MTU is the path MTU the host knows, in bytes of IP packet, or 0.
	MTU int
}
