// SPDX-License-Identifier: Apache-2.0

package main

import (
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/service/sandbox"
)

func TestPingPong(t *testing.T) {
	addr := startRegistrar(t)
	start(t, local(addr, "serve", "pingpong", "--id", "0xa", "--log-level", "off")...)
	code, out, errs := run(t, "", local(addr, "pingpong", "--count", "3", "--interval", "10ms")...)
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `^Ack #1 from PE 0x0000000a \(reply #1\) in \S+\nAck #2 from PE 0x0000000a \(reply #2\) in \S+\n`+
		`Ack #3 from PE 0x0000000a \(reply #3\) in \S+\n$`, out)
	require.Regexp(t, `^connected to 0x0000000a at \S+\n$`, errs)

	code, _, errs = run(t, "", local(addr, "pingpong", "--pool", "Nobody")...)
	require.Equal(t, exitFailure, code)
	require.Equal(t, "rserpool: pool: handle resolution of pool \"Nobody\" rejected: Unknown Pool Handle\n", errs)
}

func TestFractal(t *testing.T) {
	addr := startRegistrar(t)
	for _, id := range []string{"0xa", "0xb"} {
		start(t, local(addr, "serve", "fractal", "--id", id, "--log-level", "off")...)
	}
	file := filepath.Join(t.TempDir(), "m.png")
	code, out, errs := run(t, "", local(addr, "fractal", "--out", file, "--width", "120", "--height", "100", "--sessions", "4")...)
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `^`+regexp.QuoteMeta(file)+`: 120 x 100 pixels in 4 tiles, 0 failovers, \S+\n$`, out)
	require.Equal(t, 4, strings.Count(errs, ": done, at last by 0x0000000"), errs)
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	m, err := png.Decode(f)
	require.NoError(t, err)
	require.Equal(t, 120, m.Bounds().Dx())
	r, g, b, a := m.At(44, 50).RGBA() // c = 0
	require.Equal(t, [4]uint32{0, 0, 0, 0xffff}, [4]uint32{r, g, b, a})
	entries, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, entries, 1)

	code, _, errs = run(t, "", local(addr, "fractal", "--out", filepath.Join(t.TempDir(), "no", "m.png"))...)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "rserpool: --out: ")
	require.Equal(t, 1, strings.Count(errs, "\n"), errs)
}

// Every service can be called.
func TestServe(t *testing.T) {
	addr := startRegistrar(t)
	for _, s := range []struct{ name, pool string }{
		{"discard", "DiscardPool"}, {"daytime", "DaytimePool"}, {"chargen", "CharGenPool"},
	} {
		line, _ := start(t, local(addr, "serve", s.name, "--log-level", "off")...)
		require.Regexp(t, `^serving `+s.pool+` at `, line)
	}
	code, out, errs := run(t, "", local(addr, "resolve", "DaytimePool")...)
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "RoundRobin")
}

func TestCalcApp(t *testing.T) {
	addr := startRegistrar(t)
	start(t, local(addr, "serve", "calcapp", "--id", "0xa", "--capacity", "1e8", "--log-level", "off")...)
	code, out, errs := run(t, "", local(addr, "calcapp", "--jobs", "3", "--size", "1e6", "--interval", "1ms", "--fixed")...)
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `^job 1 of 1000000 calculations, completed by PE 0x0000000a: queuing \S+, startup \S+, processing \S+\n`+
		`job 2 of 1000000 [^\n]+\njob 3 of 1000000 [^\n]+\n3 jobs of 3000000 calculations, 0 failovers\n`+
		` +mean +longest +total +calculations/s\nqueuing( +\S+){3} *\nstartup( +\S+){3} *\nprocessing( +\S+){4}\nhandling( +\S+){4}\n$`, out)
	require.Empty(t, errs)
	for _, c := range []struct{ args, want string }{
		{"calcapp --size 0.5", "--size: 0.5 is not within 1 to 9007199254740992"},
		{"calcapp --size NaN", "--size: NaN is not within"},
		{"calcapp --interval -1s", "--interval: -1s is negative"},
		{"calcapp --silence 0s", "--silence: 0s is not positive"},
		{"calcapp --pool=", "--pool: the handle is empty"},
		{"serve calcapp --max-jobs 0", "--max-jobs: 0 is not positive"},
		{"serve calcapp --capacity -1", "--capacity: -1 is not a positive number"},
		{"serve calcapp --cookie-calculations 0", "--cookie-calculations: 0 is not a positive number"},
		{"serve calcapp --cookie-time 0s", "--cookie-time: 0s is not positive"},
	} {
		code, _, errs := run(t, "", strings.Fields(c.args)...)
		require.Equal(t, exitUsage, code, c.args)
		require.Contains(t, errs, c.want)
	}
}

func TestScript(t *testing.T) {
	if sandbox.Supported() != nil {
		t.Skip("there are no scripts on this system")
	}
	addr := startRegistrar(t)
	start(t, local(addr, "serve", "scripting", "--allow-scripts", "--id", "0xa", "--temp-dir", t.TempDir(), "--log-level", "off")...)
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	environment, out := file("environment", "some text"), filepath.Join(dir, "out")
	code, stdout, errs := run(t, "", local(addr, "script", "--script", file("s", "wc -c <$2 >$1; exit 0"), "--environment", environment, "--out", out)...)
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `: 2 bytes, status 0, by PE 0x0000000a \(\S+\), 1 trials, 0 failovers, \S+\n$`, stdout)
	require.Regexp(t, `^element 0x0000000a at \S+ \(\S+\) is ready\nthe script runs\nthe script has ended\n$`, errs)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "9\n", string(b))
	code, _, errs = run(t, "", local(addr, "script", "--script", file("s", "echo bad >$1; exit 7"), "--out", out, "--trials", "1")...)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "rserpool: the script has ended with status 7\n")
	b, err = os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "bad\n", string(b))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 3)

	for _, c := range []struct{ args, want string }{
		{"script --out x", "either --package or --script is needed"},
		{"script --out x --package x --script x", "either --package or --script is needed"},
		{"script --package x", "--out: a file for the output is needed"},
		{"script --package x --out x --trials 0", "--trials: 0 is not positive"},
		{"script --package x --out x --max-output 0", "--max-output: 0 is not positive"},
		{"script --package x --out x --reply-timeout 0s", "--reply-timeout: 0s is not positive"},
		{"serve scripting", "scripting runs what users of the pool send, and nobody is asked who he is: say --allow-scripts if"},
		{"serve scripting --allow-scripts --max-sessions 0", "--max-sessions: 0 is not positive"},
		{"serve scripting --allow-scripts --isolation no", `--isolation: "no" is not auto, require or off`},
		{"serve scripting --allow-scripts --max-package 0", "--max-package: 0 is not positive"},
		{"serve scripting --allow-scripts --time-limit 0s", "--time-limit: 0s is not positive"},
	} {
		code, _, errs := run(t, "", strings.Fields(c.args)...)
		require.Equal(t, exitUsage, code, c.args)
		require.Contains(t, errs, c.want)
	}
	code, _, errs = run(t, "", "script", "--package", filepath.Join(dir, "none"), "--out", out)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "rserpool: --package: ")
}
