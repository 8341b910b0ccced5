// SPDX-License-Identifier: Apache-2.0

package pionpeer

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/sctp"
)

const (
	// Port is the SCTP port of both sides of an association dialled by Pion.
	Port = 5000

	// PacketSize is the largest SCTP packet sent, in bytes: what a 1500-byte IPv4 packet has room
	// for after the headers of IP and UDP, as with our stack's default.
	PacketSize = 1500 - 20 - 8

	// ReceiveBuffer is Pion's default receive window in bytes.
	ReceiveBuffer = 1 << 20

	// SocketBuffer is the size in bytes asked for both buffers of a UDP socket. The same as our
	// stack's: with the system's default, bursts of a fast sender are lost in the receiver's.
	SocketBuffer = 4 << 20
)

// A Socket is a UDP socket for one association.
type Socket struct {
	conn *net.UDPConn
}

// Open returns a Socket between local, whose port may be 0, and remote.
func Open(local, remote netip.AddrPort) (*Socket, error) {
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(local), net.UDPAddrFromAddrPort(remote))
	if err != nil {
		return nil, fmt.Errorf("pionpeer: %w", err)
	}
	if err := conn.SetReadBuffer(SocketBuffer); err != nil {
		conn.Close()
		return nil, fmt.Errorf("pionpeer: read buffer of %v: %w", local, err)
	}
	if err := conn.SetWriteBuffer(SocketBuffer); err != nil {
		conn.Close()
		return nil, fmt.Errorf("pionpeer: write buffer of %v: %w", local, err)
	}
	return &Socket{conn}, nil
}

// LocalAddr returns the address and UDP port of this side.
func (s *Socket) LocalAddr() netip.AddrPort {
	return s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Close closes the socket; an association on it ends without a word to its peer.
func (s *Socket) Close() error { return s.conn.Close() }

// Dial sets up an association. The socket is closed when that ends, or if it fails.
func (s *Socket) Dial(ctx context.Context, opts ...sctp.AssociationOption) (*sctp.Association, error) {
	all := make([]sctp.ClientOption, 0, len(opts)+2)
	all = append(all, sctp.WithNetConn(s.conn), sctp.WithMTU(PacketSize))
	for _, o := range opts {
		all = append(all, o)
	}
	a, err := sctp.ClientContext(ctx, all...)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("pionpeer: dial %v: %w", s.conn.RemoteAddr(), err)
	}
	return a, nil
}

// Serve waits for the peer to set up an association. The socket is closed when that ends, or if
// the context does before it is established.
func (s *Socket) Serve(ctx context.Context, opts ...sctp.AssociationOption) (*sctp.Association, error) {
	all := make([]sctp.ServerOption, 0, len(opts)+2)
	all = append(all, sctp.WithNetConn(s.conn), sctp.WithMTU(PacketSize))
	for _, o := range opts {
		all = append(all, o)
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	a, err := sctp.ServerWithOptions(all...)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("pionpeer: serve %v: %w", s.conn.RemoteAddr(), err)
	}
	return a, nil
}
