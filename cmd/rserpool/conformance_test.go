// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp"
)

// conform runs "rserpool conformance" and returns the exit code and both outputs.
func conform(t *testing.T, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = execute(t.Context(), append([]string{"conformance"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestConformanceUsage(t *testing.T) {
	for _, args := range []string{
		"", "nobody", "sctp", "sctp --target 127.0.0.1:9899 9260/99", "sctp --target 127.0.0.1:x", "sctp --target 127.0.0.1:1 --level may",
		"sctp --local x --target 127.0.0.1:1", "sctp --cmd dance=x", "sctp --param x --target 127.0.0.1:1", "report", "report /does/not/exist",
		"sctp --control x --target 127.0.0.1:1", "pe --register-cmd x",
	} {
		code, _, stderr := conform(t, strings.Fields(args)...)
		require.Equal(t, exitUsage, code, "%s: %s", args, stderr)
	}
	code, stdout, _ := conform(t, "sctp", "--list", "9260/5.1")
	require.Equal(t, exitOK, code)
	require.Regexp(t, `(?m)^9260/5\.1/2 +MUST +server +T sends a valid INIT\.$`, stdout)
	require.NotContains(t, stdout, "9260/5.2/")
}

// Nobody is there: that is no failure of anybody.
func TestConformanceNobody(t *testing.T) {
	code, _, stderr := conform(t, "sctp", "--target", "127.0.0.1:9", "--wait", "300ms", "9260/5.1/1")
	require.Equal(t, exitUnsupported, code)
	require.Contains(t, stderr, "nobody answers")
	code, _, stderr = conform(t, "sctp", "--target", "127.0.0.1:9", "--sctp-port", "0", "9260/5.1/1")
	require.Equal(t, exitUnsupported, code)
	require.Contains(t, stderr, "nothing could be checked")
}

// A run against a listener that echoes nothing leaves its reports, and two of them make a page.
func TestConformance(t *testing.T) {
	ln, err := sctp.Listen("127.0.0.1:7", &sctp.Config{EncapPort: -1})
	require.NoError(t, err)
	defer ln.Close()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	target := ln.Addr()
	run := func(args ...string) (int, string, string) {
		return conform(t, append([]string{"sctp", "--target", strings.Replace(target.String(), ":7/", ":", 1), "--quiet", "200ms"}, args...)...)
	}
	code, stdout, stderr := run("--json", file("a.json"), "--tap", file("a.tap"), "--junit", file("a.xml"), "--html", file("a.html"), "--name", "ours",
		"9260/5.1/1", "9260/5.1/2", "9260/9.2/4")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "pass          9260/5.1/1")
	require.Contains(t, stdout, "skipped       9260/9.2/4")
	require.Contains(t, stdout, "3 cases: 2 passed, 0 failed (0 of them mandatory), 0 inconclusive, 1 skipped")
	for _, name := range []string{"a.tap", "a.xml", "a.html"} {
		b, err := os.ReadFile(file(name))
		require.NoError(t, err)
		require.Contains(t, string(b), "9260/5.1/2", name)
	}
	f, err := os.Open(file("a.json"))
	require.NoError(t, err)
	rep, err := conformance.ReadJSON(f)
	f.Close()
	require.NoError(t, err)
	require.Equal(t, "ours", rep.Name)
	require.Len(t, rep.Results, 3)

	// An echo that is declared and does not come.
	code, stdout, stderr = run("--cap", "echo", "--wait", "300ms", "--pcap", file("pcap"), "-v", "9260/9.2/4")
	require.Equal(t, exitFailure, code, stdout+stderr)
	require.Contains(t, stdout, "T > S")
	require.FileExists(t, filepath.Join(dir, "pcap", "9260_9.2_4.pcapng"))

	code, _, stderr = conform(t, "report", "--html", file("both.html"), file("a.json"), file("a.json"))
	require.Equal(t, exitOK, code, stderr)
	require.FileExists(t, file("both.html"))
}
