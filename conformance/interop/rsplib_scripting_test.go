// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

const rsplibScriptingPool = "ScriptingPool"

// rsplibPackage is a work package with a script, and so many bytes besides.
func rsplibPackage(t *testing.T, script string, more int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	noise := make([]byte, more) // that cannot be compressed
	for i := range noise {
		noise[i] = byte(i * i * 2654435761 >> 13)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"ssrun", []byte("#!/bin/sh\n" + script)}, {"more", noise}} {
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o700, Size: int64(len(f.data))}))
		_, err := w.Write(f.data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return b.Bytes()
}

// rsplibScripting boots a node with an element of RSPLIB, which starts when it is told to.
func rsplibScripting(r *rsplibRig, node int, id uint32) *lab.Node {
	return r.lab.Node(r.t, node, fmt.Sprintf("read -r go\nrspserver -scripting -identifier=%#x -policy=RoundRobin -ssmaxthreads=4"+
		" -sskeepaliveinterval=1000 -sskeepalivetimeout=5000", id)+rsplibLog+" &"+rsplibShell)
}

// rsplibScriptingOfOurs runs an element of ours.
func rsplibScriptingOfOurs(r *rsplibRig, id uint32) *rsplibElement {
	r.t.Helper()
	h, err := service.NewScripting(service.ScriptingConfig{
		AllowScripts: true, Sandbox: sandbox.Config{Dir: r.t.TempDir()}, Log: r.log,
		Element: scripting.ElementConfig{Info: "ours", KeepAliveInterval: time.Second},
	})
	require.NoError(r.t, err)
	srv := &pool.Server{Handle: rsplibScriptingPool, ID: id, SpeaksFirst: true, Handler: h}
	service.Limit(srv, 2)
	return r.serve(srv)
}

// rsplibScripted is what came of a script of our user.
type rsplibScripted struct {
	result    service.ScriptResult
	failovers []*pool.FailoverError
	output    string
	err       error
}

// rsplibScript has our user have a script run.
func rsplibScript(r *rsplibRig, user *pool.Client, archive []byte, environment string) <-chan rsplibScripted {
	r.t.Helper()
	s, err := user.Dial(r.ctx(rsplibSoon), rsplibScriptingPool)
	require.NoError(r.t, err)
	r.atEnd(func() { s.Close() })
	out, err := os.Create(filepath.Join(r.t.TempDir(), "out"))
	require.NoError(r.t, err)
	script := service.Script{
		Package: bytes.NewReader(archive), Output: out, Trials: 1,
		Config: scripting.UserConfig{KeepAliveInterval: time.Second, KeepAliveTimeout: 5 * time.Second},
	}
	if environment != "" {
		script.Environment = strings.NewReader(environment)
	}
	p, err := service.NewScripter(s, script)
	require.NoError(r.t, err)
	over := make(chan rsplibScripted, 1)
	ctx := r.ctx(2 * time.Minute)
	go func() {
		defer out.Close()
		var got rsplibScripted
		for {
			got.result, got.err = p.Run(ctx)
			f, ok := errors.AsType[*pool.FailoverError](got.err)
			if !ok {
				b, err := os.ReadFile(out.Name())
				got.output, got.err = string(b), errors.Join(got.err, err)
				over <- got
				return
			}
			got.failovers = append(got.failovers, f)
		}
	}()
	return over
}

// An element of RSPLIB runs scripts of our user, and keeps an environment; when it loses its power, ours begins again.
func TestRSPLIBScriptingForOurUser(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	theirs := rsplibScripting(r, 2, 0xaa02)
	other := r.lab.Node(t, 3, "read -r end") // or else nobody is left on the network
	theirs.WaitUp(r.ctx(rsplibBoot))
	other.WaitUp(r.ctx(rsplibBoot))
	theirs.Input("go")
	rsplibRegistered(r, rsplibScriptingPool, 0xaa02)
	user := r.client()
	environment := strings.Repeat("what many need", 5000)
	for range 2 {
		got := <-rsplibScript(r, user, rsplibPackage(t, `cat "$2" >"$1"; wc -c <more >>"$1"; sleep 3`, 100_000), environment)
		require.NoError(t, got.err)
		require.Empty(t, got.failovers)
		require.Equal(t, environment+"100000\n", got.output)
		require.EqualValues(t, 0xaa02, got.result.Element.ID)
		require.Equal(t, "node2", got.result.Host)
		require.Zero(t, got.result.Status)
	}
	got := <-rsplibScript(r, user, rsplibPackage(t, `echo wrong >"$1"; exit 1`, 0), "")
	require.NoError(t, got.err)
	require.EqualValues(t, 1, got.result.Status)
	require.Equal(t, "wrong\n", got.output)

	long := rsplibScript(r, user, rsplibPackage(t, `[ "$(uname -n)" = node2 ] && sleep 1000; echo done >"$1"`, 0), "")
	r.soon(rsplibSoon, func() bool {
		return strings.Count(strings.Join(theirs.Lines(), "\n"), "Starting work in directory") == 4
	}, "it has begun")
	rsplibScriptingOfOurs(r, 0x0c0ffee1)
	theirs.Kill()
	got = <-long
	require.NoError(t, got.err)
	require.Len(t, got.failovers, 1)
	require.Equal(t, "done\n", got.output)
	require.EqualValues(t, 0x0c0ffee1, got.result.Element.ID)
	require.Equal(t, "ours", got.result.Host)
	file := r.finish()
	theirAcks := r.lab.CountPackets(t, file, "ssp.message_type == 5 && !("+rsplibOurs+")")
	t.Logf("%d keep-alives were answered by RSPLIB", theirAcks)
	require.NotZero(t, theirAcks)
	require.NotZero(t, r.lab.CountPackets(t, file, "ssp.message_type == 5 && ("+rsplibOurs+")"), "and by us")
	require.Zero(t, r.lab.CountPackets(t, file, "ssp && _ws.malformed"))
}

// RSPLIB's user has scripts run by our element, with an environment as well, and by RSPLIB's when ours leaves.
func TestRSPLIBScriptingUserOfOurs(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	theirs := rsplibScripting(r, 2, 0xaa02)
	user := r.lab.Node(t, 3, "true"+rsplibShell)
	theirs.WaitUp(r.ctx(rsplibBoot))
	user.WaitUp(r.ctx(rsplibBoot))
	dir := filepath.Join(r.lab.Dir(), "node3")
	file := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	environment := strings.Repeat("what many need", 5000)
	file("environment", []byte(environment))
	file("short.tar.gz", rsplibPackage(t, `cat "$2" >"$1"; wc -c <more >>"$1"`, 100_000))
	file("wrong.tar.gz", rsplibPackage(t, `echo wrong >"$1"; exit 7`, 0))
	file("long.tar.gz", rsplibPackage(t, `[ "$(uname -n)" = node2 ] || sleep 1000; echo done >"$1"`, 0))
	run := func(name, options string) {
		user.Input(fmt.Sprintf(`scriptingclient -input=%[1]s.tar.gz -output=%[1]s.out -retrydelay=500 -keepaliveinterval=1000 -keepalivetimeout=5000 %[2]s`+
			rsplibLog+`; echo "%[1]s ended with $?"`, name, options))
	}
	output := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name+".out"))
		require.NoError(t, err)
		return string(b)
	}
	ours := rsplibScriptingOfOurs(r, 0x0c0ffee1)
	for _, want := range []string{"needs environment", "has cached environment"} {
		run("short", "-environment=environment")
		user.WaitLine(r.ctx(rsplibSoon), "Server ours "+want)
		user.WaitLine(r.ctx(rsplibSoon), "^short ended with 0")
		require.Equal(t, environment+"100000\n", output("short"))
	}
	run("wrong", "-maxretry=1")
	user.WaitLine(r.ctx(rsplibSoon), "Got exit status 7 from remote side")
	user.WaitLine(r.ctx(rsplibSoon), "^wrong ended with 1")
	require.Equal(t, "wrong\n", output("wrong"))

	run("long", "")
	user.WaitLine(r.ctx(rsplibSoon), "Server ours is processing")
	start := time.Now()
	r.soon(rsplibSoon, func() bool { return time.Since(start) > 4*time.Second }, "keep-alives both ways")
	theirs.Input("go")
	rsplibRegistered(r, rsplibScriptingPool, 0xaa02, 0x0c0ffee1)
	ours.stop()
	user.WaitLine(r.ctx(rsplibDead), "Server node2 is processing")
	user.WaitLine(r.ctx(rsplibDead), "^long ended with 0")
	require.Equal(t, "done\n", output("long"))
	capture := r.finish()
	require.NotZero(t, r.lab.CountPackets(t, capture, "ssp.message_type == 5 && ip.src == 10.44.0.3 && ip.dst == 10.44.0.1"), "keep-alives were answered by RSPLIB")
	require.NotZero(t, r.lab.CountPackets(t, capture, "ssp.message_type == 5 && ("+rsplibOurs+")"), "and by us")
	require.Zero(t, r.lab.CountPackets(t, capture, "ssp && _ws.malformed"))
}
