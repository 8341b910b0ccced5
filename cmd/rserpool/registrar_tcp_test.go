// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/registrar"
)

// startTCPRegistrar returns where it is, by SCTP and by TCP.
func startTCPRegistrar(t *testing.T) (sctp, tcp string) {
	t.Helper()
	first, rest, _ := startLines(t, 2, "registrar", "--local", "127.0.0.1", "--encap-port", "-1", "--asap-port", "-1", "--standalone",
		"--tcp-port", "any", "--announce", "off", "--log-level", "off", "--stop-timeout", "1s")
	m := regexp.MustCompile(`at (127\.0\.0\.1:\d+/\d+)$`).FindStringSubmatch(first)
	require.NotNil(t, m, first)
	n := regexp.MustCompile(`^pool users without SCTP reach it at (tcp://127\.0\.0\.1:\d+)$`).FindStringSubmatch(rest[0])
	require.NotNil(t, n, rest)
	return m[1], n[1]
}

func TestCommandsOverTCP(t *testing.T) {
	sctp, tcp := startTCPRegistrar(t)
	start(t, local(sctp, "serve", "echo", "--id", "0xa", "--log-level", "off")...)
	resolved(t, sctp, 1)
	code, out, errs := run(t, "", "resolve", "EchoPool", "--registrar", tcp)
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "0x0000000a")
	// A call has a session over SCTP, wherever it asked.
	code, out, errs = run(t, "hello\n", local(tcp, "call", "EchoPool")...)
	require.Equal(t, exitOK, code, errs)
	require.Equal(t, "hello\n", out)
	// An element cannot register over TCP.
	code, _, errs = run(t, "", local(tcp, "serve", "echo")...)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "pool elements reach registrars by SCTP only")
}

// A second registrar on a host goes without TCP, unless TCP was asked for.
func TestTCPPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	cfg := registrar.Config{
		LocalAddrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1, Standalone: true,
		Logger: slog.New(slog.DiscardHandler),
	}
	fl := pflag.NewFlagSet("registrar", pflag.ContinueOnError)
	fl.SetOutput(io.Discard)
	var f tcpFlags
	f.add(fl, &cfg)
	cfg.TCPPort = l.Addr().(*net.TCPAddr).Port
	srv, err := f.open(cfg)
	require.NoError(t, err)
	require.Empty(t, srv.TCPAddrs())
	require.NoError(t, srv.Close())

	require.NoError(t, fl.Parse([]string{"--tcp-port", "3863"}))
	_, err = f.open(cfg)
	require.ErrorIs(t, err, registrar.ErrTCP)
}
