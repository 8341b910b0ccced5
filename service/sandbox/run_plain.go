// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package sandbox

import (
	"errors"
	"os/exec"
	"syscall"
)

// Isolated says why scripts do not get namespaces of their own and Landlock, nil if they do.
func Isolated() error { return errors.New("sandbox: there are namespaces on Linux only") }

// execute runs a command to its end, and ends what is left of its group.
func (s *Sandbox) execute(cmd *exec.Cmd) error {
	if s.cfg.Isolation == Require {
		return Isolated()
	}
	grouped(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return err
}
