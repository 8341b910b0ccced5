// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sctp

import (
	"syscall"
	"time"
)

// processTime is the processor time of the process.
func processTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
