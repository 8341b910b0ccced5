// SPDX-License-Identifier: Apache-2.0

//go:build unix

package control

import (
	"os/exec"
	"syscall"
)

// ownGroup has the whole process group of the command killed with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
