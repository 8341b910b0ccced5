// SPDX-License-Identifier: Apache-2.0

package dtlsnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/dtlsnet"
	"github.com/rserpool/rserpool/udpencap"
	"github.com/stretchr/testify/require"
)

// Messages of all sizes arrive, both ways, and no datagram is larger than the
// MTU allows, whatever the cipher suite adds.
func TestTransfer(t *testing.T) {
	for _, c := range crypts {
		t.Run(c.name, func(t *testing.T) {
			client, server, wire := c.pair(t)
			ca, cb := connect(t, stack(t, client, nil), stack(t, server, nil), 5000)
			for i, size := range []int{1, 1000, 1100, 1200, 20000, 300000} {
				m := sctp.Message{Stream: uint16(i), PPID: 7, Data: bytes.Repeat([]byte{byte(i)}, size)}
				for _, dir := range [][2]*sctp.Conn{{ca, cb}, {cb, ca}} {
					require.NoError(t, dir[0].Send(within(t), m))
					got, err := dir[1].Recv(within(t))
					require.NoError(t, err)
					require.Equal(t, m.Data, got.Data)
					require.Equal(t, m.Stream, got.Stream)
				}
			}
			require.NoError(t, ca.Shutdown(within(t)))
			_, err := cb.Recv(within(t))
			require.ErrorIs(t, err, io.EOF)
			require.Positive(t, ca.Stats().ZeroChecksumsSent)
			require.Positive(t, cb.Stats().ZeroChecksumsSent)
			wire.mu.Lock()
			defer wire.mu.Unlock()
			require.LessOrEqual(t, wire.largest, 1200-20-8)
			require.Greater(t, wire.largest, 1000, "the MTU is used")
		})
	}
}

// RFC 8261, Section 6.1: "Multiple SCTP associations MAY be multiplexed over a
// single DTLS connection." Both sides dial.
func TestSeveralAssociations(t *testing.T) {
	client, server, _ := gcm.pair(t)
	a, b := stack(t, client, nil), stack(t, server, nil)
	a1, b1 := connect(t, a, b, 5000)
	a2, b2 := connect(t, a, b, 5001)
	b3, a3 := connect(t, b, a, 5000)
	for i, p := range [][2]*sctp.Conn{{a1, b1}, {a2, b2}, {a3, b3}} {
		require.NoError(t, p[0].Send(within(t), sctp.Message{Data: []byte{byte(i)}}))
		m, err := p[1].Recv(within(t))
		require.NoError(t, err)
		require.Equal(t, []byte{byte(i)}, m.Data)
		require.Len(t, p[0].Paths(), 1, "all associations are single-homed")
	}
}

// When the peer closes the DTLS connection, nothing waits for timeouts.
func TestPeerCloses(t *testing.T) {
	client, server, _ := gcm.pair(t)
	a, b := stack(t, client, nil), stack(t, server, nil)
	l, err := a.Listen(7)
	require.NoError(t, err)
	ca, _ := connect(t, a, b, 5000)
	require.NoError(t, server.Close())
	_, err = ca.Recv(within(t))
	aborted, ok := errors.AsType[*sctp.AbortError](err)
	require.True(t, ok, "%v", err)
	require.False(t, aborted.Peer)
	require.Contains(t, aborted.Reason, "DTLS connection has ended")
	_, err = l.Accept(within(t))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = a.Dial(within(t), dtlsnet.Peer(5000))
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, a.Close())
}

// Closing a Stack ends the associations and the connection of the peer.
func TestStackCloses(t *testing.T) {
	client, server, _ := gcm.pair(t)
	a, b := stack(t, client, nil), stack(t, server, nil)
	_, cb := connect(t, a, b, 5000)
	require.NoError(t, a.Close())
	_, err := cb.Recv(within(t))
	_, ok := errors.AsType[*sctp.AbortError](err)
	require.True(t, ok, "%v", err)
	_, err = client.Write([]byte("x"))
	require.Error(t, err)
}

// What comes through DTLS and is no SCTP packet does no harm.
func TestHostileRecords(t *testing.T) {
	client, server, _ := gcm.pair(t)
	b := stack(t, server, nil)
	_, err := b.Listen(5000)
	require.NoError(t, err)
	for n := range 64 {
		_, err := client.Write(bytes.Repeat([]byte{0xff, byte(n)}, n))
		require.NoError(t, err)
	}
	_, err = client.Write(make([]byte, 16000))
	require.NoError(t, err)
	_, err = stack(t, client, nil).Dial(within(t), dtlsnet.Peer(5000))
	require.NoError(t, err)
}

func TestNetwork(t *testing.T) {
	client, _, _ := gcm.pair(t)
	n, err := dtlsnet.New(within(t), client)
	require.NoError(t, err)
	addrs, err := n.Addrs()
	require.NoError(t, err)
	require.Len(t, addrs, 1)
	_, err = n.Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = n.Listen(ended, netip.AddrPortFrom(addrs[0], 0))
	require.ErrorIs(t, err, context.Canceled)
	s, err := n.Listen(t.Context(), netip.AddrPortFrom(addrs[0], 0))
	require.NoError(t, err)
	require.EqualValues(t, udpencap.DefaultPort, s.LocalAddr().Port())
	_, err = n.Listen(t.Context(), netip.AddrPortFrom(addrs[0], 0))
	require.True(t, udpencap.IsAddrInUse(err), "%v", err)
	_, err = n.ListenMulticast(t.Context(), netip.MustParseAddrPort("224.0.0.1:1"), nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, s.SetMulticast(addrs[0], 1), errors.ErrUnsupported)
	_, err = s.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: netip.MustParseAddrPort("192.0.2.9:9899")}})
	require.ErrorIs(t, err, syscall.EHOSTUNREACH)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err = s.ReadBatch([]udpencap.Datagram{{Data: make([]byte, 100)}})
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = s.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: netip.MustParseAddrPort("192.0.2.2:9899")}})
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestConfig(t *testing.T) {
	client, _, _ := gcm.pair(t)
	_, err := dtlsnet.NewStack(within(t), nil, nil)
	require.ErrorContains(t, err, "no connection given")
	_, err = dtlsnet.NewStack(within(t), client, &sctp.Config{MTU: 600})
	require.ErrorContains(t, err, "MTU")
	_, err = dtlsnet.NewStack(within(t), client, &sctp.Config{SackDelay: 1 << 40})
	require.ErrorContains(t, err, "SackDelay")
	s, err := dtlsnet.NewStack(within(t), client, &sctp.Config{AssociationMaxRetrans: 3, MTU: 1500})
	require.NoError(t, err, "the connection was left to the caller")
	require.NoError(t, s.Close())
}
