// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar/certtest"
)

// serveTLS runs a registrar at a free port of the loopback interface.
func serveTLS(t *testing.T, c *tls.Config, change func(*Config)) (*Server, string) {
	t.Helper()
	cfg := Config{LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1,
		Standalone: true, TLSPort: -1, TLS: c}
	if change != nil {
		change(&cfg)
	}
	srv, err := New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	t.Cleanup(sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) }))
	require.Len(t, srv.TLSAddrs(), 1)
	return srv, srv.TLSAddrs()[0].String()
}

// dialTLS asks for a pool, and returns what has become of that.
func dialTLS(t *testing.T, at string, c *tls.Config) error {
	t.Helper()
	conn, err := tls.Dial("tcp", at, c)
	if err != nil {
		return err
	}
	defer conn.Close()
	u := &user{t: t, Conn: conn}
	u.send(&asap.HandleResolution{PoolHandle: "Echo", Items: 1})
	m, err := u.recv()
	if err == nil {
		require.IsType(t, &asap.HandleResolutionResponse{}, m)
	}
	return err
}

// RFC 5352, Section 9.2: "PUs MUST authenticate ENRP servers using certificates", and "MAY have certificates of their own for
// mutual authentication".
func TestTLS(t *testing.T) {
	ca, other := certtest.New(), certtest.New()
	cert := ca.Issue(certtest.Template{IPs: []string{"127.0.0.1"}})
	client := ca.Issue(certtest.Template{})
	for name, tt := range map[string]struct {
		server, client *tls.Config
		want           string // "": it works
	}{
		"one side":           {&tls.Config{}, &tls.Config{RootCAs: ca.Pool()}, ""},
		"wrong CA":           {&tls.Config{}, &tls.Config{RootCAs: other.Pool()}, "unknown authority"},
		"wrong address":      {&tls.Config{Certificates: []tls.Certificate{ca.Issue(certtest.Template{IPs: []string{"10.0.0.1"}})}}, &tls.Config{RootCAs: ca.Pool()}, "valid for 10.0.0.1, not 127.0.0.1"},
		"expired":            {&tls.Config{Certificates: []tls.Certificate{ca.Issue(certtest.Template{IPs: []string{"127.0.0.1"}, Expired: true})}}, &tls.Config{RootCAs: ca.Pool()}, "expired"},
		"both sides":         {&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{client}}, ""},
		"no certificate":     {&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, &tls.Config{RootCAs: ca.Pool()}, "certificate required"},
		"wrong CA of client": {&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, &tls.Config{RootCAs: ca.Pool(), GetClientCertificate: given(other.Issue(certtest.Template{}))}, "unknown certificate authority"},
		"expired client":     {&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Issue(certtest.Template{Expired: true})}}, "expired certificate"},
		"TLS 1.1":            {&tls.Config{}, &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.server.Certificates == nil {
				tt.server.Certificates = []tls.Certificate{cert}
			}
			srv, at := serveTLS(t, tt.server, nil)
			err := dialTLS(t, at, tt.client)
			if tt.want == "" {
				require.NoError(t, err)
				require.Zero(t, srv.Stats().BadHandshakes)
				return
			}
			require.ErrorContains(t, err, tt.want)
			until(t, func() bool { return srv.Stats().BadHandshakes == 1 && srv.Stats().TCP == 0 })
			require.Zero(t, srv.Stats().Associations)
			require.Zero(t, srv.Stats().Resolutions)
		})
	}
}

// given offers a certificate whoever has signed it.
func given(c tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		require.True(t, time.Now().Before(end))
	}
}

// Who speaks no TLS is not answered, and half a handshake is not waited for without end; both count for the bound.
func TestTLSPlainAndHalfOpen(t *testing.T) {
	ca := certtest.New()
	c := &tls.Config{Certificates: []tls.Certificate{ca.Issue(certtest.Template{IPs: []string{"127.0.0.1"}})}}
	srv, at := serveTLS(t, c, func(c *Config) { c.TCPReadTimeout, c.MaxTCP = 300*time.Millisecond, 12 })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", at)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	plain := dial()
	_, err := plain.Write(encode(t, &asap.HandleResolution{PoolHandle: "Echo", Items: 1}))
	require.NoError(t, err)
	b, _ := io.ReadAll(plain)
	require.LessOrEqual(t, len(b), 7, "an alert at most")
	until(t, func() bool { return srv.Stats().TCP == 0 })

	for range 3 { // a quarter of 12
		dial().Write([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3})
	}
	until(t, func() bool { return srv.Stats().TCP == 3 })
	require.Error(t, dialTLS(t, at, &tls.Config{RootCAs: ca.Pool()}))
	require.EqualValues(t, 1, srv.Stats().TCPRefused)
	until(t, func() bool { return srv.Stats().TCP == 0 })
	require.EqualValues(t, 4, srv.Stats().BadHandshakes)
	require.NoError(t, dialTLS(t, at, &tls.Config{RootCAs: ca.Pool()}))
}

func TestTLSConfig(t *testing.T) {
	good := &tls.Config{Certificates: []tls.Certificate{{}}}
	for _, tt := range []struct {
		cfg   Config
		field string
	}{
		{Config{TLSPort: 3864}, "TLS"},
		{Config{TLSPort: 3864, TLS: &tls.Config{}}, "TLS"},
		{Config{TLSPort: 65536, TLS: good}, "TLSPort"},
		{Config{TLSPort: 3863, TCPPort: 3863, TLS: good}, "TLSPort"},
	} {
		_, err := New(tt.cfg)
		var e *ConfigError
		require.ErrorAs(t, err, &e)
		require.Equal(t, tt.field, e.Field)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = New(Config{LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1,
		Standalone: true, TLSPort: l.Addr().(*net.TCPAddr).Port, TLS: good})
	require.ErrorContains(t, err, "no ASAP over TLS")
}
