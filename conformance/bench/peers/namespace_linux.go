// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// enter runs this program again in a network namespace of its own, whose loopback interface has the MTU of Ethernet. It
// returns true in there, and in here what became of it.
func enter() (inside bool, err error) {
	if os.Getenv(insideEnv) != "" {
		out, err := exec.Command("ip", "link", "set", "lo", "mtu", "1500", "up").CombinedOutput()
		if err != nil {
			return false, fmt.Errorf("ip link set lo: %w\n%s", err, out)
		}
		return true, nil
	}
	if os.Geteuid() != 0 {
		return false, errRoot
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	err = cmd.Run()
	if errors.Is(err, syscall.EPERM) {
		return false, errRoot
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(1) // it has said why
	}
	return false, err
}
