// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/registrar/certtest"
)

// tlsRegistrar runs one at the loopback interface, and returns where it is.
func tlsRegistrar(t *testing.T, c *tls.Config) string {
	t.Helper()
	srv, err := registrar.New(registrar.Config{LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1, ASAPPort: -1,
		AnnounceInterval: -1, Standalone: true, TLSPort: -1, TLS: c})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	t.Cleanup(sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) }))
	return "tls://" + srv.TLSAddrs()[0].String()
}

// RFC 5355, Section 3: "The PU authenticates the ENRP server. If the authentication fails, it looks for another ENRP server."
func TestTLSRegistrar(t *testing.T) {
	ca, other := certtest.New(), certtest.New()
	config := func(ca *certtest.CA, x certtest.Template) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{ca.Issue(x)}}
	}
	good := tlsRegistrar(t, config(ca, certtest.Template{IPs: []string{"127.0.0.1"}}))
	named := tlsRegistrar(t, config(ca, certtest.Template{Names: []string{"registrar.example"}}))
	rogue := tlsRegistrar(t, config(other, certtest.Template{IPs: []string{"127.0.0.1"}}))
	strict := config(ca, certtest.Template{IPs: []string{"127.0.0.1"}})
	strict.ClientAuth, strict.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	mutual := tlsRegistrar(t, strict)
	for _, tt := range []struct {
		name string
		at   []string
		tls  *tls.Config
		want string
	}{
		{"good", []string{good}, &tls.Config{RootCAs: ca.Pool()}, ""},
		{"the rogue is not taken", []string{rogue, good}, &tls.Config{RootCAs: ca.Pool()}, ""},
		{"only the rogue", []string{rogue}, &tls.Config{RootCAs: ca.Pool()}, "unknown authority"},
		{"authorities of the host", []string{good}, nil, "unknown authority"},
		{"by its name", []string{named}, &tls.Config{RootCAs: ca.Pool(), ServerName: "registrar.example"}, ""},
		{"by its address, which it has no certificate for", []string{named}, &tls.Config{RootCAs: ca.Pool()}, "cannot validate certificate for 127.0.0.1"},
		{"certificates of both", []string{mutual}, &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Issue(certtest.Template{})}}, ""},
		{"no certificate of the user", []string{mutual}, &tls.Config{RootCAs: ca.Pool()}, "certificate required"},
		{"plain TCP to TLS", []string{strings.Replace(good, "tls", "tcp", 1)}, nil, "home registrar lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			said := &listener{want: tt.want, heard: cancel}
			c, err := NewClient(&Config{NoSCTP: true, Registrars: tt.at, TLS: tt.tls, Network: noNetwork{}, Logger: slog.New(slog.NewTextHandler(said, nil))})
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Resolve(ctx, "EchoPool")
			if tt.want == "" {
				require.ErrorIs(t, err, ErrPoolNotFound)
				return
			}
			require.ErrorIs(t, err, context.Canceled, "the log has said why")
			require.ErrorIs(t, err, ErrNoRegistrar)
			if tt.at[0] != mutual && strings.HasPrefix(tt.at[0], "tls") { // those are taken, and lost again
				require.ErrorContains(t, err, tt.want)
			}
		})
	}
}

// A listener waits for what is to be logged.
type listener struct {
	want  string
	heard func()
}

func (l *listener) Write(b []byte) (int, error) {
	if l.want != "" && strings.Contains(string(b), l.want) {
		l.heard()
	}
	return len(b), nil
}

// A registrar that accepts and says nothing is left as one of TCP is.
func TestSilentTLSRegistrar(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := NewClient(&Config{NoSCTP: true, Registrars: []string{"tls://" + l.Addr().String()}, Network: noNetwork{}})
	require.NoError(t, err)
	nc, err := l.Accept()
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, c.Close()) // which waits for nobody
}

// What is not proved beside what is would be taken.
func TestTLSIsNotMixed(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{Registrars: []string{"tls://10.0.0.1:3864", "tls://10.0.0.2:3864"}, Announce: "off"}, ""},
		{Config{Registrars: []string{"tls://10.0.0.1:3864", "tcp://10.0.0.2:3863"}}, `Registrars[1]: "tcp://10.0.0.2:3863" is reached without TLS`},
		{Config{Registrars: []string{"10.0.0.2:3863", "tls://10.0.0.1:3864"}}, `Registrars[0]: "10.0.0.2:3863" is reached without TLS`},
		{Config{Registrars: []string{"tls://10.0.0.1:3864"}, Announce: "224.0.1.185:3863"}, "Announce: "},
		{Config{Registrars: []string{"tls://10.0.0.1:3864/9899"}}, "no UDP port"},
		{Config{Registrars: []string{"tcp://tls://10.0.0.1:3864"}}, "no scheme"},
	} {
		err := tt.cfg.Validate()
		if tt.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, tt.want)
	}
}
