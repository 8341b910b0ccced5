// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

//go:embed lab
var script []byte

const (
	envWanted = "RSERPOOL_LAB"     // set by the user: yes, run these tests
	envScript = "RSERPOOL_LAB_RIG" // set by Main for the process inside: the rig's script
	envDir    = "RSERPOOL_LAB_DIR" // … and the namespace's run directory

	// stopGrace is how long the tests may take to end after a signal before they are killed.
	stopGrace = 10 * time.Second
)

// Main runs the tests of a package inside a lab namespace and exits with their code. It brings the
// namespace up, runs the test binary again inside it, and takes the namespace down when that ends,
// fails, panics, runs out of time or is told to stop; should this process itself be killed, the
// tests die with it and the next "lab up" on the machine sweeps up what is left.
func Main(m *testing.M) {
	flag.Parse()
	if os.Getenv(envDir) != "" || flag.Lookup("test.list").Value.String() != "" {
		os.Exit(m.Run())
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// outside is Main in the process that is not in the namespace yet.
func outside() (code int, err error) {
	if os.Getenv(envWanted) == "" {
		return 1, fmt.Errorf("these tests need the interoperability rig: run them as root with %s=1", envWanted)
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	tmp, err := os.MkdirTemp("", "rserpool-lab-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(tmp)
	rig := filepath.Join(tmp, "lab")
	if err := os.WriteFile(rig, script, 0o755); err != nil {
		return 1, err
	}
	if os.Getenv("LAB_NS") == "" {
		os.Setenv("LAB_NS", fmt.Sprintf("rserpool-lab-%d", os.Getpid()))
	}
	os.Setenv("LAB_OWNER", fmt.Sprint(os.Getpid()))

	// From here on a signal is a request to stop, not the end of this process.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)

	dir, err := exec.Command(rig, "dir").Output()
	if err != nil {
		return 1, fmt.Errorf("lab dir: %w", err)
	}
	if err := runRig(rig, "up"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, runRig(rig, "down")) }()

	// The kernel sends a parent-death signal when the thread that started the child ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child := exec.Command(rig, append([]string{"exec", self}, os.Args[1:]...)...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.Env = append(os.Environ(), envScript+"="+rig, envDir+"="+strings.TrimSpace(string(dir)))
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		return 1, err
	}
	return await(child, signals), nil
}

func runRig(rig string, args ...string) error {
	out, err := exec.Command(rig, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("lab %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// await waits for the tests, passing signals on, and kills them when they do not heed one.
func await(child *exec.Cmd, signals <-chan os.Signal) int {
	done := make(chan error, 1)
	go func() { done <- child.Wait() }()
	var late <-chan time.Time
	for {
		select {
		case <-done:
			if code := child.ProcessState.ExitCode(); code >= 0 {
				return code
			}
			return 1 // ended by a signal
		case s := <-signals:
			_ = child.Process.Signal(s)
			late = time.After(stopGrace)
		case <-late:
			_ = child.Process.Kill()
		}
	}
}

// Lab is the namespace the test runs in.
type Lab struct {
	rig string
	dir string
}

// New returns the lab of this test process. It fails the test if [Main] did not start it.
func New(t testing.TB) *Lab {
	t.Helper()
	l := &Lab{rig: os.Getenv(envScript), dir: os.Getenv(envDir)}
	if l.dir == "" {
		t.Fatal("lab: not in a lab namespace: call lab.Main from TestMain")
	}
	if _, err := net.InterfaceByName("brA"); err != nil {
		t.Fatalf("lab: %s is set but there is no bridge brA here: %v", envDir, err)
	}
	return l
}

// Dir returns the run directory of the namespace; a node sees it as /lab, and node N starts in
// /lab/nodeN. What is put into Dir/bin is in every node's PATH.
func (l *Lab) Dir() string { return l.dir }

// Cut unplugs node n's link to net ("A" or "B") at the switch: neither end is told.
func (l *Lab) Cut(t testing.TB, n int, net string) { t.Helper(); l.do(t, "cut", fmt.Sprint(n), net) }

// Join plugs node n's link to net ("A" or "B") in again.
func (l *Lab) Join(t testing.TB, n int, net string) { t.Helper(); l.do(t, "join", fmt.Sprint(n), net) }

// Drop loses every every-th UDP datagram on node n's link to net ("A" or "B"), in each direction; 0
// ends it. A burst that the sender's kernel has not segmented yet counts, and goes, as one.
func (l *Lab) Drop(t testing.TB, n int, net string, every int) {
	t.Helper()
	l.do(t, "drop", fmt.Sprint(n), net, fmt.Sprint(every))
}

func (l *Lab) do(t testing.TB, args ...string) {
	t.Helper()
	if err := runRig(l.rig, args...); err != nil {
		t.Fatal(err)
	}
}
