// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/registrar"
)

// A reloadable is a registrar with a configuration file, and what it logs.
type reloadable struct {
	t    *testing.T
	file string
	r    *reloader
	log  bytes.Buffer
}

var discard = slog.New(slog.DiscardHandler)

const quiet = "local: 127.0.0.1\nencap-port: -1\nasap-port: -1\nstandalone: true\nannounce: off\n"

// newReloadable starts one with the command line and a file of quiet and text.
func newReloadable(t *testing.T, text string, args ...string) *reloadable {
	t.Helper()
	x := &reloadable{t: t, file: configFile(t, quiet+text)}
	f := &registrarFlags{level: new(slog.LevelVar), origins: map[string]string{}}
	cmd := newRootCmd()
	fl := cmd.Flags()
	f.add(fl)
	addLogLevel(fl)
	require.NoError(t, fl.Parse(append([]string{"--config", x.file}, args...)))
	require.NoError(t, applyEnv(fl, os.LookupEnv, f.origins))
	require.NoError(t, applyFile(fl, f.origins))
	require.NoError(t, f.parse())
	require.NoError(t, setLevel(f.level, fl, slog.LevelInfo))
	f.cfg.Logger = slog.New(slog.NewTextHandler(&x.log, &slog.HandlerOptions{Level: f.level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	srv, err := f.tcp.open(f.cfg)
	require.NoError(t, err)
	t.Cleanup(func() { srv.Close() })
	x.r = newReloader(f, srv)
	return x
}

// reload writes the file anew, and returns what reading it again has to say.
func (x *reloadable) reload(text string) string {
	x.t.Helper()
	require.NoError(x.t, os.WriteFile(x.file, []byte(quiet+text), 0o600))
	x.log.Reset()
	x.r.reload()
	return x.log.String()
}

const (
	readAgain = `level=INFO msg="the configuration is read again" changed=`
	notRead   = `level=ERROR msg="the configuration is not read again, nothing has changed" error="`
	restarts  = `level=WARN msg="what the configuration says of these needs a restart" keys=`
)

func TestReload(t *testing.T) {
	t.Setenv("RSERPOOL_MAX_POOLS", "77")
	x := newReloadable(t, "max-elements: 5\ntcp-port: off\nmax-handle: 40\n", "--max-items", "7", "--announce-to", "127.0.0.1:9")
	require.Equal(t, readAgain+"\"\"\n", x.reload("max-elements: 5\ntcp-port: off\nmax-handle: 40\n"), "nothing has changed")

	// What is not in the file any more is the default; the command line and the environment win as they did.
	require.Equal(t, readAgain+"\"keep-alive-interval max-elements max-handle\"\n",
		x.reload("max-elements: 6\ntcp-port: off\nkeep-alive-interval: 7s\nmax-items: 9\nmax-pools: 9\n"))
	require.Equal(t, "7", x.r.running["max-items"])
	require.Equal(t, "77", x.r.running["max-pools"])
	require.Equal(t, "[127.0.0.1:9]", x.r.running["announce-to"])

	// What cannot be changed is named, as long as it differs.
	text := "max-elements: 7\ntcp-port: off\nkeep-alive-interval: 7s\nadmin: :0\nid: 5\nprofile: rfc\ncsp-server: 127.0.0.1\n"
	require.Equal(t, readAgain+"max-elements\n"+restarts+"\"id profile csp-server admin\"\n", x.reload(text))
	require.Equal(t, readAgain+"\"\"\n"+restarts+"\"id profile csp-server admin\"\n", x.reload(text))
	require.Equal(t, readAgain+"\"keep-alive-interval max-elements\"\n", x.reload("tcp-port: off\n"))

	// What is wrong changes nothing.
	for text, want := range map[string]string{
		"max-elements: 9\nloacl: x\n":                x.file + ":8: loacl: there is no such key",
		"max-elements: 9\nmax-items: many\n":         "",
		"max-elements: 9\nkeep-alive-timeout: -1s\n": x.file + ":8: keep-alive-timeout is -1s, negative",
		"max-elements: 9\npeer: here\n":              x.file + ":8: peer: ",
		"max-elements: 9\nlog-level: loud\n":         x.file + `:8: log-level: \"loud\" is not debug`,
		"max-elements: [\n":                          x.file + ": ",
	} {
		got := x.reload("tcp-port: off\n" + text)
		if want == "" { // the command line has that key
			require.Contains(t, got, readAgain, text)
			x.reload("tcp-port: off\n")
			continue
		}
		require.Contains(t, got, notRead, text)
		require.Contains(t, got, want, text)
		require.NotEqual(t, "9", x.r.running["max-elements"])
	}
	require.NoError(t, os.Remove(x.file))
	x.log.Reset()
	x.r.reload()
	require.Contains(t, x.log.String(), notRead+"--config: open ")

	// Also what is said.
	require.Contains(t, x.reload("tcp-port: off\nlog-level: warn\n"), "")
	require.Equal(t, slog.LevelWarn, x.r.first.level.Level())
	require.Empty(t, x.reload("tcp-port: off\nlog-level: off\n"))
	require.NotEmpty(t, x.reload("tcp-port: off\n"))
}

// A registrar without TCP, because somebody else had the port, has nothing to say about that.
func TestReloadWithoutTCP(t *testing.T) {
	x := newReloadable(t, "tcp-port: off\n")
	x.r.first.tcp.gaveUp = true // as it is without the line below
	x.r.running["tcp-port"] = "3863"
	require.Equal(t, readAgain+"max-items\n", x.reload("max-items: 5\n"))
	require.Contains(t, x.reload("max-items: 5\ntcp-port: 3864\n"), restarts+"tcp-port\n")
}

// What cannot be changed has a flag that says so.
func TestFieldsHaveFlags(t *testing.T) {
	x := newReloadable(t, "tcp-port: off\n")
	for field, flag := range flagOf {
		require.NotNil(t, x.r.first.flags.Lookup(strings.TrimPrefix(flag, "--")), field)
	}
	require.Equal(t, "Rand", flagName("Rand"))
	for _, name := range fixedFlags {
		require.NotNil(t, x.r.first.flags.Lookup(name), name)
	}
	_, err := x.r.srv.Reconfigure(registrar.Config{})
	require.NoError(t, err)
}

// SIGHUP is the signal; without a file it ends the program, as ever.
func TestReloadOnHangup(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // nobody can send it
	}
	file := configFile(t, quiet+"tcp-port: off\n")
	p := startProcess(t, nil, "registrar", "--config", file)
	require.Contains(t, p.line(), "registrar ")
	require.NoError(t, os.WriteFile(file, []byte(quiet+"tcp-port: off\nmax-items: 5\n"), 0o600))
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	said := func(what string) {
		for end := time.Now().Add(20 * time.Second); !strings.Contains(p.complaints(), what); <-tick.C {
			require.True(t, time.Now().Before(end), p.complaints())
		}
	}
	said("registrar is up") // and so hears the signal
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	said("read again\" changed=max-items")
	require.NoError(t, os.WriteFile(file, []byte("nonsense\n"), 0o600))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	said("is not a mapping")
	require.Contains(t, p.stop(), "registrar is down")

	q := startProcess(t, nil, "registrar", "--local", "127.0.0.1", "--encap-port", "-1", "--asap-port", "-1", "--standalone", "--announce", "off", "--tcp-port", "off")
	require.Contains(t, q.line(), "registrar ")
	require.NoError(t, q.cmd.Process.Signal(syscall.SIGHUP))
	require.ErrorContains(t, q.end(), "hangup")
}
