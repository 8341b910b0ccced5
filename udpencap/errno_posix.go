// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package udpencap

import "syscall"

// portableErrno gives the system's error number the one name it has in this
// package. Here they are the same.
func portableErrno(errno syscall.Errno) syscall.Errno { return errno }

// bindErrno is portableErrno for bind.
func bindErrno(errno syscall.Errno) syscall.Errno { return errno }
