// SPDX-License-Identifier: Apache-2.0

package dtlsnet_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/dtlsnet"
	"github.com/stretchr/testify/require"
)

var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	return selfsign.GenerateSelfSignedWithDNS("localhost")
})

// A crypt is a way to protect the connection.
type crypt struct {
	name  string
	suite dtls.CipherSuiteID
	psk   bool
}

var gcm = crypt{"ECDHE-ECDSA, AES-GCM", dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, false}

var crypts = []crypt{
	gcm,
	{"ECDHE-ECDSA, AES-CBC", dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, false},
	{"PSK, AES-CCM", dtls.TLS_PSK_WITH_AES_128_CCM, true},
	{"PSK, AES-CBC", dtls.TLS_PSK_WITH_AES_128_CBC_SHA256, true},
}

func (c crypt) pair(t testing.TB) (client, server *dtls.Conn, wire *spy) {
	cert, err := certificate()
	require.NoError(t, err)
	socket := func() net.PacketConn {
		pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { pc.Close() })
		return pc
	}
	a, b := socket(), socket()
	wire = &spy{PacketConn: a}
	co := []dtls.ClientOption{dtls.WithCipherSuites(c.suite), dtls.WithInsecureSkipVerify(true)}
	so := []dtls.ServerOption{dtls.WithCipherSuites(c.suite)}
	if c.psk {
		key := func([]byte) ([]byte, error) { return []byte{1, 2, 3, 4, 5, 6, 7, 8}, nil }
		co = append(co, dtls.WithPSK(key), dtls.WithPSKIdentityHint([]byte("test")))
		so = append(so, dtls.WithPSK(key), dtls.WithPSKIdentityHint([]byte("test")))
	} else {
		so = append(so, dtls.WithCertificates(cert))
	}
	client, err = dtls.ClientWithOptions(wire, b.LocalAddr(), co...)
	require.NoError(t, err)
	server, err = dtls.ServerWithOptions(b, a.LocalAddr(), so...)
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	shaken := make(chan error, 1)
	go func() { shaken <- server.HandshakeContext(within(t)) }()
	require.NoError(t, client.HandshakeContext(within(t)))
	require.NoError(t, <-shaken)
	return client, server, wire
}

// A spy knows the largest datagram that was sent.
type spy struct {
	net.PacketConn
	mu      sync.Mutex
	largest int
}

func (s *spy) WriteTo(p []byte, a net.Addr) (int, error) {
	s.mu.Lock()
	s.largest = max(s.largest, len(p))
	s.mu.Unlock()
	return s.PacketConn.WriteTo(p, a)
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func stack(t testing.TB, c *dtls.Conn, cfg *sctp.Config) *sctp.Stack {
	s, err := dtlsnet.NewStack(within(t), c, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// connect dials from a to b.
func connect(t testing.TB, a, b *sctp.Stack, port uint16) (ca, cb *sctp.Conn) {
	l, err := b.Listen(port)
	require.NoError(t, err)
	ca, err = a.Dial(within(t), dtlsnet.Peer(port))
	require.NoError(t, err)
	cb, err = l.Accept(within(t))
	require.NoError(t, err)
	return ca, cb
}
