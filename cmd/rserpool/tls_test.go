// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/registrar/certtest"
)

// A registrar with a certificate answers those who verify it, and no others.
func TestCommandsOverTLS(t *testing.T) {
	dir, ca := t.TempDir(), certtest.New()
	authority := ca.Write(dir, "ca.pem")
	cert, key := certtest.WriteCertificate(dir, "registrar", ca.Issue(certtest.Template{IPs: []string{"127.0.0.1"}, Names: []string{"registrar.example"}}))
	userCert, userKey := certtest.WriteCertificate(dir, "user", ca.Issue(certtest.Template{}))
	other := certtest.New().Write(dir, "other.pem")
	run1 := func(args ...string) (sctp, tls string) {
		first, rest, _ := startLines(t, 2, append([]string{"registrar", "--local", "127.0.0.1", "--encap-port", "-1", "--asap-port", "-1", "--standalone",
			"--tcp-port", "off", "--announce", "off", "--log-level", "off", "--stop-timeout", "1s",
			"--tls-port", "any", "--tls-cert", cert, "--tls-key", key}, args...)...)
		n := regexp.MustCompile(`^pool users reach it by TLS at (tls://127\.0\.0\.1:\d+)$`).FindStringSubmatch(rest[0])
		require.NotNil(t, n, rest)
		return regexp.MustCompile(`at (127\.0\.0\.1:\d+/\d+)$`).FindStringSubmatch(first)[1], n[1]
	}
	sctp, at := run1()
	start(t, local(sctp, "serve", "echo", "--id", "0xa", "--log-level", "off")...)
	resolved(t, sctp, 1)
	resolve := func(at string, args ...string) (int, string, string) {
		return run(t, "", append([]string{"resolve", "EchoPool", "--registrar", at, "--timeout", "1s", "--log-level", "warn"}, args...)...)
	}
	for _, args := range [][]string{{"--tls-ca", authority}, {"--tls-ca", authority, "--tls-server-name", "registrar.example"}} {
		code, out, errs := resolve(at, args...)
		require.Equal(t, exitOK, code, errs)
		require.Contains(t, out, "0x0000000a")
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "unknown authority"},
		{[]string{"--tls-ca", other}, "unknown authority"},
		{[]string{"--tls-ca", authority, "--tls-server-name", "other.example"}, "valid for registrar.example, not other.example"},
	} {
		code, _, errs := resolve(at, tt.args...)
		require.Equal(t, exitFailure, code)
		require.Contains(t, errs, tt.want)
	}

	_, strict := run1("--tls-client-ca", authority)
	code, _, errs := resolve(strict, "--tls-ca", authority)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "certificate required")
	code, _, errs = resolve(strict, "--tls-ca", authority, "--tls-cert", userCert, "--tls-key", userKey)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "Unknown Pool Handle", "it has been asked")
}

func TestTLSFlags(t *testing.T) {
	dir, ca := t.TempDir(), certtest.New()
	cert, key := certtest.WriteCertificate(dir, "a", ca.Issue(certtest.Template{}))
	_, otherKey := certtest.WriteCertificate(dir, "b", ca.Issue(certtest.Template{}))
	none := filepath.Join(dir, "none")
	for _, tt := range []struct{ line, want string }{
		{"registrar --tls-key " + key, "--tls-key: there is no --tls-cert"},
		{"registrar --tls-client-ca " + cert, "--tls-client-ca: there is no --tls-cert"},
		{"registrar --tls-cert " + cert, "--tls-cert: there is no --tls-key"},
		{"registrar --tls-cert " + none + " --tls-key " + key, "--tls-cert: open "},
		{"registrar --tls-cert " + cert + " --tls-key " + otherKey, "--tls-cert: tls: private key does not match public key"},
		{"registrar --tls-cert " + key + " --tls-key " + key, "--tls-cert: tls: "},
		{"registrar --tls-cert " + cert + " --tls-key " + key + " --tls-port 0", `--tls-port: "0" is not a port or any`},
		{"registrar --tls-cert " + cert + " --tls-key " + key + " --tls-port 3863", "--tls-port is 3863, the port for TCP"},
		{"registrar --tls-cert " + cert + " --tls-key " + key + " --tls-client-ca " + key, "has no certificate in PEM"},
		{"resolve P --registrar tls://127.0.0.1:1 --tls-ca " + none, "--tls-ca: open "},
		{"resolve P --registrar tls://127.0.0.1:1 --tls-key " + key, "--tls-key: there is no --tls-cert"},
		{"resolve P --registrar tls://127.0.0.1:1 --registrar tcp://127.0.0.1:1", "--registrar: "},
		{"resolve P --registrar tls://127.0.0.1:1 --announce 224.0.1.185:3863", "--announce: "},
	} {
		code, _, errs := run(t, "", strings.Fields(tt.line)...)
		require.Equal(t, exitUsage, code, tt.line)
		require.Contains(t, errs, tt.want, tt.line)
	}
}

// Certificates are read again with the configuration; one that is no good changes nothing.
func TestReloadCertificates(t *testing.T) {
	dir, ca := t.TempDir(), certtest.New()
	ip := certtest.Template{IPs: []string{"127.0.0.1"}}
	cert, key := certtest.WriteCertificate(dir, "registrar", ca.Issue(ip))
	text := "tcp-port: off\ntls-port: any\ntls-cert: " + cert + "\ntls-key: " + key + "\n"
	x := newReloadable(t, text)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- x.r.srv.Serve(ctx) }()
	defer func() { cancel(); require.NoError(t, <-done) }()
	serial := func() string {
		c, err := tls.Dial("tcp", x.r.srv.TLSAddrs()[0].String(), &tls.Config{RootCAs: ca.Pool()})
		require.NoError(t, err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	x.r.log = discard // the registrar logs at the same time
	x.r.first.cfg.Logger = discard
	first := serial()
	_, _, err := x.r.try()
	require.NoError(t, err)
	require.Equal(t, first, serial())

	certtest.WriteCertificate(dir, "registrar", ca.Issue(ip))
	restart, _, err := x.r.try()
	require.NoError(t, err)
	require.Empty(t, restart)
	second := serial()
	require.NotEqual(t, first, second)

	require.NoError(t, os.WriteFile(cert, []byte("torn"), 0o600))
	_, _, err = x.r.try()
	require.ErrorContains(t, err, "tls-cert: tls: ")
	require.Equal(t, second, serial())

	require.NoError(t, os.WriteFile(x.file, []byte(quiet+"tcp-port: off\n"), 0o600))
	restart, _, err = x.r.try()
	require.NoError(t, err)
	require.Equal(t, []string{"tls-port"}, restart, "it goes on with TLS")
	require.Equal(t, second, serial())
}

// To begin with TLS needs a restart; an expired certificate is told of.
func TestReloadBeginsTLS(t *testing.T) {
	dir, ca := t.TempDir(), certtest.New()
	cert, key := certtest.WriteCertificate(dir, "registrar", ca.Issue(certtest.Template{Expired: true}))
	x := newReloadable(t, "tcp-port: off\n")
	require.Contains(t, x.reload("tcp-port: off\ntls-cert: "+cert+"\ntls-key: "+key+"\n"), restarts)
	var f registrarFlags
	f.tls.now = &tls.Config{Certificates: []tls.Certificate{ca.Issue(certtest.Template{Expired: true})}}
	require.True(t, f.tls.expiry().Before(time.Now()))
	f.cfg.Logger = x.r.log
	f.tellExpiry()
	require.Contains(t, x.log.String(), "the certificate has expired")
}
