// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sandbox

import (
	"os/exec"
	"syscall"
)

// nonblock keeps Open from waiting for who writes to a pipe.
const nonblock = syscall.O_NONBLOCK

// Supported says whether scripts can be run on this system.
func Supported() error { return nil }

// grouped makes a command the leader of a process group, which is killed as a whole.
func grouped(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

// killGroup kills the group, and its leader even if something has moved that out of it.
func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if e := syscall.Kill(cmd.Process.Pid, syscall.SIGKILL); e == nil {
		err = nil
	}
	return err
}

// status is that which a shell gives.
func status(e *exec.ExitError) int {
	if w, ok := e.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return e.ExitCode()
}
