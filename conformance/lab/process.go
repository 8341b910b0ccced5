// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"testing"
)

// tailLines is how much of a peer's output a failure shows.
const tailLines = 30

// Process is a peer that runs: a program on the test's side, or a node. Its standard output is
// read line by line. Methods that take no context and [Process.WaitLine] fail the test that
// started it; they must be called from that test's goroutine.
type Process struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *lines
	err   *lines
	done  chan struct{} // closed when the process and its output have ended
}

// Start runs a program in the lab's namespace until it ends by itself, is killed, or the test ends.
func Start(t testing.TB, name string, args ...string) *Process {
	t.Helper()
	return start(t, name, exec.Command(name, args...))
}

func start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, name: name, cmd: cmd, out: newLines(), err: newLines(), done: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("lab: %s: %v", name, err)
	}
	p.stdin = stdin
	outR, outW := io.Pipe()
	errR, errW := io.Pipe()
	cmd.Stdout, cmd.Stderr = outW, errW
	if err := cmd.Start(); err != nil {
		t.Fatalf("lab: starting %s: %v", name, err)
	}
	read := make(chan struct{}, 2)
	go func() { p.out.read(outR); read <- struct{}{} }()
	go func() { p.err.read(errR); read <- struct{}{} }()
	go func() {
		_ = cmd.Wait()
		outW.Close()
		errW.Close()
		<-read
		<-read
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s: standard output:\n%s\n%s: standard error:\n%s",
				name, p.out.tail(tailLines), name, p.err.tail(tailLines))
		}
	})
	return p
}

// WaitLine waits for a line of standard output that matches the regular expression and returns
// the match and its submatches. It looks at lines after the one the last WaitLine returned, so a
// series of calls follows the output. The test fails when ctx ends or the process does.
func (p *Process) WaitLine(ctx context.Context, expr string) []string {
	p.t.Helper()
	m, err := p.out.wait(ctx, regexp.MustCompile(expr))
	if err != nil {
		p.t.Fatalf("lab: %s: no line matches %q: %v", p.name, expr, err)
	}
	return m
}

// SeenLine is WaitLine that leaves all lines to the WaitLines to come. It is for a line of one thread
// of the process among those of another, which come in any order.
func (p *Process) SeenLine(ctx context.Context, expr string) {
	p.t.Helper()
	if err := p.out.seen(ctx, regexp.MustCompile(expr)); err != nil {
		p.t.Fatalf("lab: %s: no line matches %q: %v", p.name, expr, err)
	}
}

// WaitErrLine is WaitLine on standard error.
func (p *Process) WaitErrLine(ctx context.Context, expr string) []string {
	p.t.Helper()
	m, err := p.err.wait(ctx, regexp.MustCompile(expr))
	if err != nil {
		p.t.Fatalf("lab: %s: no line of standard error matches %q: %v", p.name, expr, err)
	}
	return m
}

// Lines returns the lines of standard output so far.
func (p *Process) Lines() []string { return p.out.snapshot() }

// Input writes one line to the standard input of the process.
func (p *Process) Input(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Fatalf("lab: %s: writing %q: %v", p.name, line, err)
	}
}

// Wait waits for the process to end and returns its exit code.
func (p *Process) Wait(ctx context.Context) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-ctx.Done():
		p.t.Fatalf("lab: %s still runs: %v", p.name, context.Cause(ctx))
		return -1
	}
}

// Kill ends the process at once, a node as by a power cut, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Node is a Linux machine of the lab that runs a script.
type Node struct {
	*Process
	N int
}

// Node boots node n (2 to 20), which has the addresses 10.44.0.n and 10.45.0.n, and runs a shell
// script in it as root. The script's standard streams are the Process's; its end is the node's.
// Node returns while the node still boots, about three seconds before its script starts.
func (l *Lab) Node(t testing.TB, n int, script string) *Node {
	t.Helper()
	name := fmt.Sprintf("node %d", n)
	return &Node{N: n, Process: start(t, name, exec.Command(l.rig, "node", fmt.Sprint(n), script))}
}

// WaitUp waits until the node's script starts.
func (n *Node) WaitUp(ctx context.Context) {
	n.t.Helper()
	n.WaitErrLine(ctx, `^lab: node \d+ up`)
}
