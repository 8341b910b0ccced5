// SPDX-License-Identifier: Apache-2.0

package dtlsnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"github.com/pion/dtls/v3"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// The two ends of every DTLS connection, as each side sees them. SCTP wants
// unicast addresses; these, of RFC 5737, are on no network.
var (
	localAddr = netip.AddrFrom4([4]byte{192, 0, 2, 1})
	peerAddr  = netip.AddrFrom4([4]byte{192, 0, 2, 2})
	// The port takes the place of the UDP port of RFC 6951. RFC 8261, Section
	// 1: its procedures "for dealing with the UDP port numbers do not apply
	// here".
	peer = netip.AddrPortFrom(peerAddr, udpencap.DefaultPort)
)

// Peer is the address of an SCTP port at the other end of the DTLS connection,
// for Stack.Dial.
func Peer(port uint16) *sctp.Addr {
	return &sctp.Addr{IPs: []netip.Addr{peerAddr}, Port: port}
}

// A Network is one DTLS connection, seen as a network of two hosts. Only one
// socket can be open on it, and closing that closes the connection.
type Network struct {
	conn *dtls.Conn

	mu   sync.Mutex
	open bool
}

var _ udpencap.Protector = (*Network)(nil)

// New makes a network of a DTLS connection, which nobody else may read from or
// write to. RFC 8261, Section 6.1: "A DTLS connection MUST be established
// before an SCTP association can be set up": if its handshake is not over, New
// does it, until the context ends. If New fails the connection is still the
// caller's.
func New(ctx context.Context, conn *dtls.Conn) (*Network, error) {
	if conn == nil {
		return nil, errors.New("dtlsnet: no connection given")
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("dtlsnet: handshake: %w", err)
	}
	return &Network{conn: conn}, nil
}

// Addrs returns the one address of this side.
func (n *Network) Addrs() ([]netip.Addr, error) { return []netip.Addr{localAddr}, nil }

// Listen opens the socket, for any port. The error is syscall.EADDRINUSE if
// that has been done before.
func (n *Network) Listen(ctx context.Context, laddr netip.AddrPort) (udpencap.Socket, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dtlsnet: listen %v: %w", laddr, err)
	}
	if laddr.Addr() != localAddr {
		return nil, fmt.Errorf("dtlsnet: listen %v: %w", laddr, syscall.EADDRNOTAVAIL)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open {
		return nil, fmt.Errorf("dtlsnet: listen %v: the connection has its socket: %w", laddr, syscall.EADDRINUSE)
	}
	n.open = true
	if laddr.Port() == 0 {
		laddr = netip.AddrPortFrom(localAddr, udpencap.DefaultPort)
	}
	return newSocket(n.conn, laddr), nil
}

// ErrorDetectionMethod returns the number of DTLS (RFC 9653, Section 6): each
// record is authenticated, so the CRC32c of SCTP adds nothing.
func (n *Network) ErrorDetectionMethod() uint32 { return 1 }

// ListenMulticast fails: DTLS has two ends.
func (n *Network) ListenMulticast(_ context.Context, group netip.AddrPort, _ []netip.Addr) (udpencap.Socket, error) {
	return nil, fmt.Errorf("dtlsnet: listen to group %v: %w", group, errMulticast)
}

var errMulticast = fmt.Errorf("a DTLS connection has no multicast: %w", errors.ErrUnsupported)

// isIPv6 tells whether the connection runs over IPv6, or over something that
// does not say.
func isIPv6(a net.Addr) bool {
	if u, ok := a.(*net.UDPAddr); ok {
		return u.IP.To4() == nil
	}
	return true
}
