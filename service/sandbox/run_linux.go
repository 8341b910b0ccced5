// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are those that need no root together with one of users: no network but a loopback interface that is down, no
// other processes, no memory or name of the host.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// Isolated says why scripts do not get namespaces of their own and Landlock, nil if they do.
func Isolated() error {
	_, err := landlock()
	return errors.Join(namespaced(), err)
}

// namespaced tries once whether there are namespaces.
var namespaced = sync.OnceValue(func() error {
	cmd := exec.Command("/bin/sh", "-c", ":")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("sandbox: the system does not allow namespaces: %w", err)
	}
	return nil
})

// execute runs a command to its end, and ends what is left of its group. It does so on a thread of its own, which ends with
// it: what takes rights away from a thread cannot be undone, and a command gets Pdeathsig when the thread ends that has
// started it.
func (s *Sandbox) execute(cmd *exec.Cmd) error {
	grouped(cmd)
	if s.cfg.Isolation == Require {
		if err := Isolated(); err != nil {
			return err
		}
	}
	if s.cfg.Isolation != Off && namespaced() == nil {
		// Users are not mapped: a script is nobody to itself, and remains who it is to the file system.
		cmd.SysProcAttr.Cloneflags = namespaces
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and no UnlockOSThread
		done <- s.executeHere(cmd)
	}()
	return <-done
}

func (s *Sandbox) executeHere(cmd *exec.Cmd) error {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	// Nothing that is started has more rights than this process: there are no set-user-ID programs.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if s.cfg.Isolation != Off {
		if err := restrictFiles(s.workDir()); err != nil && s.cfg.Isolation == Require {
			return err
		}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	// It remains as a zombie until its group is killed, so that the number is not that of another one.
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	killGroup(cmd)
	return cmd.Wait()
}
