// SPDX-License-Identifier: Apache-2.0

//go:build unix

package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is the user and system time this process has taken.
func CPUTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
