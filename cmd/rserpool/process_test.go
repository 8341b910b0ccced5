// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process is the command in a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr string // the file
	end    func() error
}

// startProcess runs the command. The environment comes in addition to that of the test.
func startProcess(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	p := &process{t: t, cmd: exec.Command(exe, args...)}
	p.cmd.Env = append(append(os.Environ(), asCommand+"=1"), env...)
	p.stderr = filepath.Join(t.TempDir(), "stderr")
	stderr, err := os.Create(p.stderr)
	require.NoError(t, err)
	defer stderr.Close()
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.lines = bufio.NewScanner(out)
	require.NoError(t, p.cmd.Start())
	p.end = sync.OnceValue(p.cmd.Wait)
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.end()
	})
	return p
}

// complaints returns what it has said on its standard error.
func (p *process) complaints() string {
	b, err := os.ReadFile(p.stderr)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// line returns the next line that it says.
func (p *process) line() string {
	p.t.Helper()
	if !p.lines.Scan() {
		err := p.end()
		p.t.Fatalf("it has nothing to say: %v\n%s", err, p.complaints())
	}
	return p.lines.Text()
}

// stop ends it in order, and returns what it has complained about.
func (p *process) stop() string {
	p.t.Helper()
	if runtime.GOOS == "windows" { // no process can interrupt another one
		require.NoError(p.t, p.cmd.Process.Kill())
		p.end()
		return p.complaints()
	}
	require.NoError(p.t, p.cmd.Process.Signal(os.Interrupt))
	require.NoError(p.t, p.end(), p.complaints())
	return p.complaints()
}
